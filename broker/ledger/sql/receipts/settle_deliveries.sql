-- Write the states that answers led to, each from the state in which it was judged.
update delivery
set state = changed.state, lease_until = null, next_attempt_at = null,
    next_alarm_at = case when changed.state <> 'decided' then delivery.next_alarm_at end,
    collected_at = changed.collected_at, acknowledged_at = changed.acknowledged_at,
    decided_at = changed.decided_at, returned_at = changed.returned_at
from unnest(%(ids)b::uuid[], %(before)b::text[], %(states)b::text[],
            %(collected_at)b::timestamptz[], %(acknowledged_at)b::timestamptz[],
            %(decided_at)b::timestamptz[], %(returned_at)b::timestamptz[])
    as changed (id, before, state, collected_at, acknowledged_at, decided_at, returned_at)
where delivery.id = changed.id and delivery.state = changed.before
  and (delivery.kind = 'recall'
           or (select stands(referral.*) from referral where referral.id = delivery.referral))
