-- End the ladders of deliveries whose milestone was met or that have ended, with their events.
with met as (
    select escalation.id, escalation.state
    from escalation join delivery on delivery.id = escalation.delivery
    where escalation.delivery = any(%(ids)s::uuid[]) and escalation.state in ('open', 'acknowledged')
      and (delivery.state in ('decided', 'recalled')
           or case escalation.milestone
                  when 'collect' then delivery.collected_at
                  when 'acknowledge' then delivery.acknowledged_at
                  else delivery.decided_at
              end is not null)
    order by escalation.id
    for update of escalation
),
ended as (
    update escalation
    set state = 'ended', ended_at = %(now)s, ended_because = 'met', next_step_at = null
    from met
    where escalation.id = met.id and escalation.state = met.state
    returning escalation.id, escalation.referral, escalation.delivery, escalation.organisation,
              escalation.milestone
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.escalation_ended', referral.publisher, ended.referral, ended.delivery,
       ended.organisation, %(actor)s,
       jsonb_build_object('escalation', ended.id, 'milestone', ended.milestone, 'because', 'met')
from ended join referral on referral.id = ended.referral
