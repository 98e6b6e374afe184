-- End the quarantine of the present epoch.
update epoch
set confirmed_at = coalesce(%(now)s::timestamptz, now()), confirmed_by = %(by)s
where id = (select id from quarantine)
returning id
