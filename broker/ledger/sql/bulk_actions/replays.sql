-- One replay, or the latest ones.
select id, kind, receiver, agency, cause, planned, planned_at, planned_by, started_by, reason, per_minute,
       state, done, failed, turns, started_at, ended_at
from replay
where %(id)s::uuid is null or id = %(id)s
order by planned_at desc, id
limit %(limit)s
