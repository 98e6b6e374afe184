-- Put an undeliverable delivery back into its agency's queue. Locked by id, so a replay of many that
-- takes it at the same time finds it available and leaves it.
with standing as (
    select id, state
    from delivery
    where id = %(delivery)s and state = 'undeliverable'
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
    for no key update
),
replayed as (
    update delivery
    set state = 'available', refused_because = null, sendings = 0, deferrals = 0,
        next_attempt_at = push_due_at(channel, %(now)s::timestamptz)
    from standing
    where delivery.id = standing.id and delivery.state = standing.state
    returning delivery.id, delivery.referral, delivery.agency, delivery.attempt
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, 'delivery.replayed', %(by)s, referral, id, agency, %(reason)s
    from replayed
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.replayed', referral.publisher, referral.id, replayed.id,
       replayed.agency, %(by)s, jsonb_build_object('attempt', replayed.attempt)
from replayed join referral on referral.id = replayed.referral
returning delivery
