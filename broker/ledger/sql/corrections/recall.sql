-- Recall a referral: nothing of it is offered from now on. It is due for routing unless the recall
-- deliveries of its agencies are written in the same transaction; a closed referral is reopened. Its
-- row and its deliveries are locked before.
with changed as (
    update referral
    set recalled_at = %(now)s, recall_reason = %(reason)s, recalled_by = %(by)s,
        attempt = 0, next_attempt_at = %(now)s::timestamptz,
        state = case when referral.state = 'closed' then 'routed' else referral.state end,
        closed_at = null
    where id = %(referral)s and state = %(before)s and recalled_at is null
    returning id, publisher
),
standing as (
    select delivery.id, delivery.state
    from delivery join changed on changed.id = delivery.referral
    where delivery.kind <> 'recall'
      and is_unfinished(delivery.state)
    order by delivery.id
    for no key update of delivery
),
ended as (
    update delivery
    set state = 'recalled', lease_until = null, next_attempt_at = null, next_alarm_at = null,
        recalled_at = %(now)s
    from standing
    where delivery.id = standing.id and delivery.state = standing.state
    returning delivery.id, delivery.agency
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, step.kind, changed.publisher, changed.id, step.delivery, step.agency, %(actor)s,
       step.data
from changed
cross join (
    select 1 as place, 'referral.recalled' as kind, null::uuid as delivery, null::text as agency,
           jsonb_build_object('reason', %(reason)s::text) as data
    union all
    select 2, 'referral.reopened', null, null, '{}' where %(before)s = 'closed'
    union all
    select 3, 'delivery.recalled', id, agency, '{}' from ended
) step
order by step.place, step.delivery
returning referral
