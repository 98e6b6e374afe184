-- Which of some kinds of organisation have a referral beside an agency: those that have collected what
-- they were offered, and still have it. What is held, and who gave it back, is no part of it.
select distinct organisation.kind
from delivery
join organisation on organisation.code = delivery.agency
where delivery.referral = %(referral)s and delivery.agency <> %(agency)s
  and organisation.kind = any(%(kinds)s::text[])
  and delivery.kind <> 'recall' and delivery.collected_at is not null
  and delivery.state in ('collected', 'acknowledged', 'decided')
order by organisation.kind
