-- How much waits for people of ops, for the navigation of every page: each count is that of the list
-- which its link leads to. Each is read through an index of what waits.
with waiting as (
    select attend_by as due_at from referral where state = 'unroutable'
    union all
    select coalesce(delivery.acknowledge_by, delivery.decide_by)
    from delivery
    join referral on referral.id = delivery.referral
    where delivery.state in ('returned', 'undeliverable') and delivery.sent_on_at is null
      and not (delivery.state = 'returned' and referral.recalled_at is not null)
    union all
    select coalesce(delivery.acknowledge_by, delivery.decide_by)
    from delivery
    join referral on referral.id = delivery.referral
    where delivery.state = 'held' and delivery.available_at = %(never)s and stands(referral.*)
    union all
    select due_at from task where state = 'open'
)
select count(*) as needs_you, count(*) filter (where due_at < %(now)s) as needs_you_late,
       min(due_at) as needs_you_by,
       (select count(*) from escalation where state = 'open') as escalations,
       (select count(*) from escalation where state = 'acknowledged') as taken_on,
       (select count(distinct agency) from delivery
        where is_late(delivery, %(now)s)) as late_agencies,
       (select count(*) from notice
        where state = 'failed' and ended_at > %(now)s::timestamptz - interval '1 day')
           as notices_failed
from waiting
