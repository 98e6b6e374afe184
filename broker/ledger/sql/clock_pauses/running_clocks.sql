-- A delivery with all that its clocks are counted from; locked until the end of the transaction.
select delivery.id, delivery.referral, delivery.agency, delivery.state, delivery.paused_at,
       delivery.collected_at, delivery.acknowledged_at, delivery.decided_at,
       delivery.stands_in_for, referral.policy_version, reason.explanation,
       array(select array[paused_at, resumed_at]
             from pause
             where pause.delivery = delivery.id and resumed_at is not null
             order by paused_at) as pauses
from delivery
join delivery_reason reason on reason.delivery = delivery.id
join referral on referral.id = delivery.referral
where delivery.id = %(delivery)s and (%(agency)s::text is null or delivery.agency = %(agency)s)
for no key update of delivery
