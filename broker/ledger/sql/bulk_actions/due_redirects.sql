-- What every running redirect may take next at its pace: each delivery once, and never more than the
-- number that was confirmed.
with running as (
    select *, greatest(planned - done - failed, 0) as remaining,
           floor(per_minute * extract(epoch from %(now)s::timestamptz - stepped_at) / 60)::int
               as budget
    from replay
    where state = 'running' and kind = 'send_on'
)
select running.id, running.receiver, running.started_by as by, running.reason, running.looked_at,
       array(select candidate.id
             from may_go_on candidate
             where candidate.since <= running.before and candidate.agency <> running.receiver
               and (running.agency is null or candidate.agency = running.agency)
               and (running.cause is null or candidate.cause = running.cause)
               and (running.looked_at is null or candidate.id > running.looked_at)
             order by candidate.id
             limit least(running.budget, running.remaining, %(limit)s)) as deliveries
from running
where running.budget > 0
order by running.started_at
