-- Offer again what was leased for long enough; whoever still holds it has lost the lease.
with lapsed as (
    update delivery
    set state = 'available', lease_until = null,
        next_attempt_at = case when channel <> 'mailbox' then %(now)s::timestamptz end
    where id in (select id from delivery
                 where state = 'leased' and lease_until <= %(now)s
                 order by lease_until
                 limit %(limit)s
                 for update skip locked)
      and state = 'leased'
    returning id, referral, agency, attempt
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, 'delivery.lapsed', referral.publisher, lapsed.referral, lapsed.id,
           lapsed.agency, 'broker', jsonb_build_object('attempt', lapsed.attempt)
    from lapsed join referral on referral.id = lapsed.referral
)
select id from lapsed
