-- Until when each lane of the services counts as working: a lane that works renews it all the time.
select name, until from lead where name = any(%(names)b::text[])
