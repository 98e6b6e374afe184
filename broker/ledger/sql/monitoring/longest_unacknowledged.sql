-- What has waited longest for a person to acknowledge it, since its clock began.
select agency, clock_start, acknowledge_by as due_at
from delivery
where is_open(delivery) and state <> 'held' and acknowledged_at is null
order by clock_start, id
limit 1
