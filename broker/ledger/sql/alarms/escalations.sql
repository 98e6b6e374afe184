-- Escalations, those that nobody has acknowledged first, then by their deadlines. An agency or a
-- publisher sees its own.
select escalation.id, escalation.milestone, escalation.state, escalation.referral,
       coalesce(referral.reference, task.reference) as reference, escalation.delivery,
       escalation.organisation, coalesce(referral.publisher, task.publisher) as publisher,
       escalation.ladder, escalation.step, escalation.due_at, escalation.began_at,
       escalation.next_step_at, escalation.acknowledged_at, escalation.acknowledged_by,
       escalation.taken_until, escalation.offered_to, escalation.own_acknowledged_by,
       escalation.own_until, escalation.ended_at, escalation.ended_because
from escalation
left join referral on referral.id = escalation.referral
left join task on task.id = escalation.task
where (%(id)s::uuid is null or escalation.id = %(id)s)
  and (%(referral)s::uuid is null or escalation.referral = %(referral)s)
  and (%(agency)s::text is null or escalation.organisation = %(agency)s)
  and (%(visible_to)s::text is null or escalation.organisation = %(visible_to)s
       or coalesce(referral.publisher, task.publisher) = %(visible_to)s)
  and (not %(running)s or escalation.state <> 'ended')
order by escalation.state <> 'open', escalation.due_at, escalation.id
limit %(limit)s
