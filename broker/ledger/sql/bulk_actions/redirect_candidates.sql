-- The deliveries that a planned redirect takes next, in the order in which it takes them.
select candidate.id
from replay
join may_go_on candidate on candidate.since <= replay.before and candidate.agency <> replay.receiver
    and (replay.agency is null or candidate.agency = replay.agency)
    and (replay.cause is null or candidate.cause = replay.cause)
    and (replay.looked_at is null or candidate.id > replay.looked_at)
where replay.id = %(id)s
order by candidate.id
limit %(limit)s
