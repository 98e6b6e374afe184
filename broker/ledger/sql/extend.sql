-- Keep leases that still stand; locked in the order of the ids.
with held as (
    select delivery.id
    from delivery join unnest(%(ids)s::uuid[], %(leases)s::uuid[]) as given (id, lease)
        on delivery.id = given.id and delivery.lease = given.lease
    where delivery.agency = %(agency)s and delivery.state = 'leased'
      and delivery.lease_until > %(now)s
    order by delivery.id
    for update of delivery
)
update delivery
set lease_until = %(until)s
from held
where delivery.id = held.id and delivery.state = 'leased'
returning delivery.id, delivery.lease, delivery.lease_until as until
