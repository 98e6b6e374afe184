-- Lock what agencies were given of referrals that are due again, in the order of the ids.
select delivery.id, delivery.referral, delivery.agency, delivery.channel, delivery.role,
       delivery.policy_row as row, delivery.view, reason.scope, delivery.state, delivery.kind,
       delivery.version, delivery.attempt, delivery.available_at, delivery.clock_start,
       delivery.collect_by, delivery.acknowledge_by, delivery.decide_by, delivery.collected_at,
       delivery.acknowledged_at, delivery.decided_at, reason.explanation, delivery.replaces,
       delivery.stands_in_for
from delivery
join delivery_reason reason on reason.delivery = delivery.id
where delivery.referral = any(%(referrals)s::uuid[])
order by delivery.id
for no key update of delivery
