-- Put a delivery that could not be made back into its agency's queue.
with standing as (
    select id, state from delivery where id = %(delivery)s and state = 'undeliverable' for no key update
),
replayed as (
    update delivery
    set state = 'available', refused_because = null,
        next_attempt_at = case when channel <> 'mailbox' then %(now)s::timestamptz end
    from standing
    where delivery.id = standing.id and delivery.state = standing.state
    returning delivery.id, delivery.referral, delivery.agency, delivery.attempt
),
kept as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, 'delivery.replayed', %(by)s, referral, id, agency, %(reason)s
    from replayed
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.replayed', referral.publisher, referral.id, replayed.id,
       replayed.agency, %(by)s, jsonb_build_object('attempt', replayed.attempt)
from replayed join referral on referral.id = replayed.referral
returning delivery
