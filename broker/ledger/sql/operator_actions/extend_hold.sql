-- Hold a held delivery until another instant, because a person says so: its clock starts then, under
-- deadlines that were counted from then. What the sweeper has released meanwhile is left as it is.
with standing as (
    select id, state
    from delivery
    where id = %(delivery)s and state = 'held'
      and (delivery.kind = 'recall'
           or (select stands(referral.*) from referral where referral.id = delivery.referral))
    for no key update
),
extended as (
    update delivery
    set available_at = %(until)s, clock_start = %(until)s, collect_by = %(collect_by)s,
        acknowledge_by = %(acknowledge_by)s, decide_by = %(decide_by)s, next_alarm_at = %(until)s
    from standing
    where delivery.id = standing.id and delivery.state = standing.state
    returning delivery.id, delivery.referral, delivery.agency
),
reasons as (
    update delivery_reason
    set explanation = %(explanation)s::jsonb
    from extended
    where delivery_reason.delivery = extended.id
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, 'delivery.hold_extended', %(by)s, referral, id, agency, %(reason)s
    from extended
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.hold_extended', referral.publisher, referral.id, extended.id,
       extended.agency, %(by)s, jsonb_build_object('until', %(until)s::timestamptz)
from extended
join referral on referral.id = extended.referral
returning delivery
