-- Offer a held delivery before its time, because a person says so: its clock starts now, under the
-- deadlines that were counted from now. What the sweeper has released meanwhile is left as it is.
with standing as (
    select id, state
    from delivery
    where id = %(delivery)s and state = 'held'
      and (delivery.kind = 'recall'
           or (select stands(referral.*) from referral where referral.id = delivery.referral))
    for no key update
),
released as (
    update delivery
    set state = 'available', available_at = %(now)s, clock_start = %(now)s,
        collect_by = %(collect_by)s, acknowledge_by = %(acknowledge_by)s,
        decide_by = %(decide_by)s, next_alarm_at = %(now)s,
        next_attempt_at = push_due_at(channel, %(now)s::timestamptz)
    from standing
    where delivery.id = standing.id and delivery.state = standing.state
    returning delivery.id, delivery.referral, delivery.agency
),
reasons as (
    update delivery_reason
    set explanation = %(explanation)s::jsonb
    from released
    where delivery_reason.delivery = released.id
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, 'delivery.released', %(by)s, referral, id, agency, %(reason)s
    from released
)
insert into event (at, kind, publisher, referral, delivery, agency, actor)
select %(now)s, step.kind, referral.publisher, referral.id, released.id, released.agency, %(by)s
from released
join referral on referral.id = released.referral
cross join (values (1, 'delivery.released'), (2, 'delivery.available')) as step (place, kind)
order by step.place
returning delivery
