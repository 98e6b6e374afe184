-- Lease what is due on a pushed channel, longest waiting first; workers skip each other's rows.
with claimed as (
    select id, state
    from delivery
    where channel = %(channel)s and state = 'available'
      and next_attempt_at <= %(now)s
      and (delivery.kind = 'recall'
           or (select stands(referral.*)
                      and referral.accepted_at >= (select since from offered_since)
               from referral where referral.id = delivery.referral))
      and not exists (select from suspension where suspension.organisation = delivery.agency)
    order by next_attempt_at, id
    limit %(limit)s
    for no key update of delivery skip locked
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
