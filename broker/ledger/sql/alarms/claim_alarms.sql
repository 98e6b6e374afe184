-- Take the deliveries whose next alarm is due and that nobody else holds, longest due first.
with due as (
    select id
    from delivery
    where next_alarm_at <= %(now)s
    order by next_alarm_at, id
    limit %(limit)s
    for no key update skip locked
)
select delivery.id as delivery, delivery.referral, delivery.agency, delivery.state,
       delivery.collected_at, delivery.acknowledged_at, delivery.decided_at, delivery.paused_at,
       delivery.stands_in_for,
       referral.publisher, referral.policy_version, referral.effective_grade,
       reason.explanation -> 'deadlines' as deadlines,
       array(select array[paused_at, resumed_at]
             from pause
             where pause.delivery = delivery.id and resumed_at is not null) as pauses,
       (select coalesce(jsonb_agg(jsonb_build_array(milestone, percent, planned_at)), '[]')
        from alarm where subject = delivery.id) as fired,
       -- A hand-over puts no step off: the police and ops are told when they would have been.
       (select coalesce(jsonb_object_agg(milestone, began_at), '{}')
        from escalation
        where escalation.referral = delivery.referral and escalation.delivery = delivery.replaces
          and ended_because = 'handed_over' and acknowledged_at is null) as escalated_since
from due
join delivery on delivery.id = due.id
join delivery_reason reason on reason.delivery = delivery.id
join referral on referral.id = delivery.referral
order by delivery.id
