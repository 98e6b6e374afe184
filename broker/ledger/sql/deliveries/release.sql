-- Release deliveries whose leases are still held; they are available at once. Repeating a release
-- succeeds as long as nobody has leased the delivery since.
with standing as (
    select id, state, lease
    from delivery
    where id = any(%(ids)s::uuid[]) and agency = %(agency)s
    order by id
    for no key update
),
released as (
    update delivery
    set state = 'available', lease_until = null,
        next_attempt_at = push_due_at(channel, %(now)s::timestamptz)
    from unnest(%(ids)s::uuid[], %(leases)s::uuid[]) as held (id, lease)
    join standing using (id, lease)
    where delivery.id = standing.id and standing.state = 'leased'
      and delivery.state = standing.state and delivery.lease = standing.lease
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
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
select id
from standing join unnest(%(ids)s::uuid[], %(leases)s::uuid[]) as held (id, lease)
    using (id, lease)
where standing.state = 'available'
