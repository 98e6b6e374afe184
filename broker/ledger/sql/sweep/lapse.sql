-- Make available what was leased until now; a later receipt under the old lease is refused.
with due as (
    select id, state
    from delivery
    where state = 'leased' and lease_until <= %(now)s
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
    order by lease_until
    limit %(limit)s
    for no key update skip locked
),
lapsed as (
    update delivery
    set state = 'available', lease_until = null,
        next_attempt_at = push_due_at(channel, %(now)s::timestamptz)
    from due
    where delivery.id = due.id and delivery.state = due.state
    returning delivery.id, delivery.referral, delivery.agency, delivery.attempt
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, 'delivery.lapsed', referral.publisher, lapsed.referral, lapsed.id,
           lapsed.agency, 'broker', jsonb_build_object('attempt', lapsed.attempt)
    from lapsed join referral on referral.id = lapsed.referral
)
select id from lapsed
