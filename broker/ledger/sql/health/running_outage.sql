-- The outage that runs, if one does.
select id, began_at, missing, alarms from outage where ended_at is null
