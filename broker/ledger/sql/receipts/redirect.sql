-- Redirect a delivery: an undeliverable one is recalled from its agency, and a closed referral is
-- reopened.
with recalled as (
    update delivery
    set state = 'recalled', next_alarm_at = null, recalled_at = %(now)s
    where id = %(delivery)s and state = 'undeliverable'
      and (select stands(referral.*) from referral where referral.id = delivery.referral)
    returning id, referral, agency
),
silenced as (
    -- Its successor has the deadlines now.
    update delivery set next_alarm_at = null
    where id = %(delivery)s and state = 'returned'
      and (select stands(referral.*) from referral where referral.id = delivery.referral)
),
reopened as (
    update referral
    set state = 'routed', closed_at = null
    where id = (select referral from delivery where id = %(delivery)s) and state = 'closed'
    returning id
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, step.kind, referral.publisher, referral.id, step.delivery, step.agency,
           %(actor)s, step.data
    from (
        select 1 as place, 'delivery.recalled' as kind, referral, id as delivery, agency,
               '{}'::jsonb as data
        from recalled
        union all
        select 2, 'referral.reopened', id, null, null, '{}' from reopened
        union all
        select 3, 'delivery.sent_on', referral, id, agency,
               jsonb_build_object('to', %(new)s::uuid)
        from delivery where id = %(delivery)s
    ) step
    join referral on referral.id = step.referral
    order by step.place
)
select delivery.referral, referral.publisher
from delivery join referral on referral.id = delivery.referral
where delivery.id = %(delivery)s
