-- Extend leases that are still held; locked in the order of the ids.
with standing as (
    select id, state, lease
    from delivery
    where id = any(%(ids)s::uuid[]) and agency = %(agency)s and lease_until > %(now)s
    order by id
    for no key update
)
update delivery
set lease_until = %(until)s
from standing join unnest(%(ids)s::uuid[], %(leases)s::uuid[]) as given (id, lease)
    using (id, lease)
where delivery.id = standing.id and standing.state = 'leased'
  and delivery.state = standing.state and delivery.lease = standing.lease
  and (delivery.kind = 'recall'
           or (select stands(referral.*) from referral where referral.id = delivery.referral))
returning delivery.id, delivery.lease, delivery.lease_until as until
