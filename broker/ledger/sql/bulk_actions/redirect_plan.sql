-- What a sending on would take now, by agency and cause.
select one.agency, one.cause, count(*) as count, min(one.clock_start) as oldest_at,
       count(*) filter (where one.due_at < %(now)s) as overdue,
       count(*) filter (where one.was_sent_on) as replayed_before
from replay
join may_go_on one on one.since <= replay.before and one.agency <> replay.receiver
    and (replay.agency is null or one.agency = replay.agency)
    and (replay.cause is null or one.cause = replay.cause)
    and (replay.looked_at is null or one.id > replay.looked_at)
where replay.id = %(id)s
group by 1, 2
order by count desc, 1, 2
