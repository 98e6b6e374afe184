-- Keep leases that still stand.
update delivery
set lease_until = %(until)s
from unnest(%(ids)s::uuid[], %(leases)s::uuid[]) as held (id, lease)
where delivery.id = held.id and delivery.lease = held.lease and delivery.agency = %(agency)s
  and delivery.state = 'leased' and delivery.lease_until > %(now)s
returning delivery.id, delivery.lease, delivery.lease_until as until
