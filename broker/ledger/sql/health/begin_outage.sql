-- Begin an outage where none runs. The index outage_running lets one insert through, so that of all
-- gateways one alone raises the alarm.
insert into outage (id, began_at, missing, alarmed_at)
values (%(id)s, %(began)s, %(missing)s::text[], %(now)s)
on conflict do nothing
returning id, began_at, missing, alarms
