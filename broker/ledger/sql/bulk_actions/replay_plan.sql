-- What a replay would take now, by agency and cause.
select delivery.agency, delivery.refused_because as cause, count(*) as count,
       min(delivery.clock_start) as oldest_at,
       count(*) filter (where least(delivery.acknowledge_by, delivery.decide_by) < %(now)s)
           as overdue,
       count(*) filter (where exists (
           select from event
           where event.referral = delivery.referral and event.delivery = delivery.id
             and event.kind = 'delivery.replayed')) as replayed_before
from replay
join delivery on delivery.state = 'undeliverable' and delivery.undeliverable_at <= replay.before
    and (delivery.kind = 'recall'
             or (select stands(referral.*) from referral where referral.id = delivery.referral))
    and (replay.agency is null or delivery.agency = replay.agency)
    and (replay.cause is null or delivery.refused_because = replay.cause)
where replay.id = %(id)s
group by 1, 2
order by count desc, 1, 2
