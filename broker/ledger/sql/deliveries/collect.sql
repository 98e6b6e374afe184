-- Lease what waits for an agency, earliest deadline first; two calls skip each other's rows.
with claimed as (
    select id, state
    from delivery
    where agency = %(agency)s and state = 'available'
      and (delivery.kind = 'recall'
           or (select stands(referral.*)
                      and referral.accepted_at >= (select since from offered_since)
               from referral where referral.id = delivery.referral))
      and not exists (select from suspension where organisation = %(agency)s)
    order by acknowledge_by nulls last, id
    limit %(limit)s
    for no key update skip locked
),
numbered as (
    select id, state, row_number() over () as place from claimed
),
leased as (
    update delivery
    set state = 'leased', attempt = attempt + 1, lease_until = %(until)s, next_attempt_at = null,
        lease = (%(leases)b::uuid[])[numbered.place]
    from numbered
    where delivery.id = numbered.id and delivery.state = numbered.state
    returning delivery.id, delivery.referral, delivery.agency, delivery.attempt
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, 'delivery.leased', referral.publisher, leased.referral, leased.id,
           leased.agency, %(actor)s, jsonb_build_object('attempt', leased.attempt)
    from leased join referral on referral.id = leased.referral
)
select id from leased
