-- Deliveries of these referrals whose clocks stand because their agency asked for information.
select delivery.id
from delivery join pause on pause.delivery = delivery.id
where delivery.referral = any(%(referrals)s::uuid[])
  and pause.resumed_at is null and pause.reason = 'information_requested'
  and delivery.state in ('held', 'available', 'leased', 'collected', 'acknowledged')
order by delivery.id
