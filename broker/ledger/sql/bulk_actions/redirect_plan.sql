-- What a redirect would take now, by agency and cause.
select candidate.agency, candidate.cause, count(*) as count, min(candidate.clock_start) as oldest_at,
       count(*) filter (where candidate.due_at < %(now)s) as overdue,
       count(*) filter (where candidate.was_sent_on) as replayed_before
from replay
join may_go_on candidate on candidate.since <= replay.before and candidate.agency <> replay.receiver
    and (replay.agency is null or candidate.agency = replay.agency)
    and (replay.cause is null or candidate.cause = replay.cause)
    and (replay.looked_at is null or candidate.id > replay.looked_at)
where replay.id = %(id)s
group by 1, 2
order by count desc, 1, 2
