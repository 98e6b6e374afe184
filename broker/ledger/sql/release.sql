-- Give deliveries back whose leases still stand; they are offered again at once. Giving back what
-- was given back, and nobody has taken since, is the same again.
with released as (
    update delivery
    set state = 'available', lease_until = null,
        next_attempt_at = case when channel <> 'mailbox' then %(now)s::timestamptz end
    from unnest(%(ids)s::uuid[], %(leases)s::uuid[]) as held (id, lease)
    where delivery.id = held.id and delivery.lease = held.lease and delivery.agency = %(agency)s
      and delivery.state = 'leased'
    returning delivery.id, delivery.referral, delivery.agency
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, 'delivery.lapsed', referral.publisher, released.referral, released.id,
           released.agency, %(actor)s, '{"released": true}'
    from released join referral on referral.id = released.referral
)
select id from released
union all
select delivery.id
from delivery join unnest(%(ids)s::uuid[], %(leases)s::uuid[]) as held (id, lease)
    on delivery.id = held.id and delivery.lease = held.lease
where delivery.agency = %(agency)s and delivery.state = 'available'
