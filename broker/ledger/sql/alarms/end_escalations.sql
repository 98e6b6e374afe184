-- End escalations that have nothing left to escalate, with their event.
with ended as (
    update escalation
    set state = 'ended', ended_at = %(now)s, ended_because = %(because)s, next_step_at = null
    where id = any(%(ids)s::uuid[]) and state in ('open', 'acknowledged')
    returning id, referral, delivery, task, organisation, milestone
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s,
       case when ended.delivery is not null then 'delivery.escalation_ended'
            when ended.referral is not null then 'referral.escalation_ended'
            else 'organisation.escalation_ended' end,
       coalesce(referral.publisher, task.publisher), ended.referral, ended.delivery, ended.organisation, 'broker',
       jsonb_build_object('escalation', ended.id, 'milestone', ended.milestone,
                          'because', %(because)s::text)
from ended
left join referral on referral.id = ended.referral
left join task on task.id = ended.task
