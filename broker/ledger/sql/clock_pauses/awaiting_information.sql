-- Deliveries of these referrals whose clocks are paused because their agency asked for information.
select delivery.id
from delivery join pause on pause.delivery = delivery.id
where delivery.referral = any(%(referrals)s::uuid[])
  and pause.resumed_at is null and pause.reason = 'information_requested'
  and is_unfinished(delivery.state) and delivery.state <> 'undeliverable'
order by delivery.id
