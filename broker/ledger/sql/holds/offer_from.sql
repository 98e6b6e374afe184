-- Offer a held delivery from an instant, now or later, because a person says so: its clock starts
-- then, under deadlines that were counted from then. What the sweeper has released meanwhile is left
-- as it is.
with standing as (
    select id, state
    from delivery
    where id = %(delivery)s and state = 'held'
      and (delivery.kind = 'recall'
           or (select stands(referral.*) from referral where referral.id = delivery.referral))
    for no key update
),
decided as (
    update delivery
    set state = %(state)s, available_at = %(start)s, clock_start = %(start)s,
        collect_by = %(collect_by)s, acknowledge_by = %(acknowledge_by)s,
        decide_by = %(decide_by)s, next_alarm_at = %(start)s,
        -- An office may have closed meanwhile: its team out of hours has it at once.
        hand_over_at = case when hand_over_at is not null then %(now)s::timestamptz end,
        next_attempt_at = case when %(state)s = 'available'
                               then push_due_at(channel, %(start)s::timestamptz)
                               else delivery.next_attempt_at end
    from standing
    where delivery.id = standing.id and delivery.state = standing.state
    returning delivery.id, delivery.referral, delivery.agency
),
reasons as (
    update delivery_reason
    set explanation = %(explanation)s::jsonb
    from decided
    where delivery_reason.delivery = decided.id
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, (%(kinds)s::text[])[1], %(by)s, referral, id, agency, %(reason)s
    from decided
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, step.kind, referral.publisher, referral.id, decided.id, decided.agency, %(by)s,
       jsonb_strip_nulls(jsonb_build_object('until', %(until)s::timestamptz))
from decided
join referral on referral.id = decided.referral
cross join unnest(%(kinds)s::text[]) with ordinality as step (kind, place)
order by step.place
returning delivery
