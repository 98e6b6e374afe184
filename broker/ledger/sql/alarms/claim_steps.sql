-- Lock the escalations whose next step is due and that nobody else holds, with the state of their
-- subject.
with due as (
    select id
    from escalation
    where state = 'open' and next_step_at <= %(now)s
    order by next_step_at, id
    limit %(limit)s
    for no key update skip locked
)
select escalation.id, escalation.ladder, escalation.policy_version, escalation.milestone,
       escalation.referral, escalation.delivery, escalation.organisation, escalation.due_at,
       escalation.began_at, escalation.step, escalation.own_until, escalation.task,
       coalesce(referral.publisher, task.publisher) as publisher, referral.effective_grade,
       case when escalation.organisation = delivery.agency
            then delivery.stands_in_for end as stands_in_for,
       case
           when task.id is not null then task.state <> 'open'
           when delivery.id is not null then
               case escalation.milestone
                   when 'collect' then delivery.collected_at
                   when 'acknowledge' then delivery.acknowledged_at
                   else delivery.decided_at
               end is not null
               or delivery.state in ('decided', 'recalled', 'handed_over')
               or exists (select from delivery successor where successor.replaces = delivery.id)
           when referral.id is not null then referral.state <> 'unroutable'
           else false
       end as is_met
from due
join escalation on escalation.id = due.id
left join referral on referral.id = escalation.referral
left join delivery on delivery.id = escalation.delivery
left join task on task.id = escalation.task
order by escalation.id
