-- Who leads what, and which workers showed themselves.
select name, until from lead order by name
