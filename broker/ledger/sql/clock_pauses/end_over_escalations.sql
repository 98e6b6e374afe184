-- End the escalations of these referrals that have nothing left to escalate: the milestone was met,
-- the delivery recalled, an agency found, or the deadline moved. Each with its event.
with over as (
    select escalation.id, escalation.state,
           case
               when delivery.id is null then
                   case when referral.state <> 'unroutable' then 'met' end
               when delivery.state in ('recalled', 'handed_over') then delivery.state
               when delivery.state = 'decided' or milestone.met_at is not null then 'met'
               when milestone.due_at is distinct from escalation.due_at then 'rescheduled'
           end as because
    from escalation
    join referral on referral.id = escalation.referral
    left join delivery on delivery.id = escalation.delivery
    left join lateral (
        values ('collect', delivery.collected_at, delivery.collect_by),
               ('acknowledge', delivery.acknowledged_at, delivery.acknowledge_by),
               ('decide', delivery.decided_at, delivery.decide_by)
    ) as milestone (name, met_at, due_at) on milestone.name = escalation.milestone
    where escalation.referral = any(%(referrals)s::uuid[])
      and escalation.state in ('open', 'acknowledged') and escalation.task is null
    order by escalation.id
    for no key update of escalation
),
ended as (
    update escalation
    set state = 'ended', ended_at = %(now)s, ended_because = over.because, next_step_at = null
    from over
    where escalation.id = over.id and escalation.state = over.state and over.because is not null
    returning escalation.id, escalation.referral, escalation.delivery, escalation.organisation,
              escalation.milestone, over.because
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s,
       case when ended.delivery is null then 'referral.escalation_ended'
            else 'delivery.escalation_ended' end,
       referral.publisher, ended.referral, ended.delivery, ended.organisation, %(actor)s,
       jsonb_build_object('escalation', ended.id, 'milestone', ended.milestone,
                          'because', ended.because)
from ended join referral on referral.id = ended.referral
