-- What every running sending on may take next at its pace, each delivery looked at once, and never
-- more than whoever confirmed it had read.
with running as (
    select *, greatest(planned - done - failed, 0) as remaining,
           floor(per_minute * extract(epoch from %(now)s::timestamptz - stepped_at) / 60)::int
               as budget
    from replay
    where state = 'running' and kind = 'send_on'
)
select running.id, running.receiver, running.started_by as by, running.reason, running.looked_at,
       array(select one.id
             from may_go_on one
             where one.since <= running.before and one.agency <> running.receiver
               and (running.agency is null or one.agency = running.agency)
               and (running.cause is null or one.cause = running.cause)
               and (running.looked_at is null or one.id > running.looked_at)
             order by one.id
             limit least(running.budget, running.remaining, %(limit)s)) as deliveries
from running
where running.budget > 0
order by running.started_at
