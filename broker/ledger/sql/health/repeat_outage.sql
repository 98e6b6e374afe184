-- Take the next alarm of the outage that runs, once it is due: of all gateways one gets the row.
update outage
set alarms = alarms + 1, alarmed_at = %(now)s, missing = %(missing)s::text[]
where ended_at is null and alarmed_at <= %(before)s
returning id, began_at, missing, alarms
