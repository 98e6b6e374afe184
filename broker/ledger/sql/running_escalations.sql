-- The ladders that are being climbed, or were acknowledged and run on, oldest deadline first.
select escalation.id, escalation.ladder, escalation.milestone, escalation.referral,
       referral.reference, escalation.delivery, escalation.organisation, escalation.due_at,
       escalation.began_at, escalation.state, escalation.step, escalation.next_step_at,
       escalation.acknowledged_at, escalation.acknowledged_by
from escalation
left join referral on referral.id = escalation.referral
where escalation.state <> 'ended'
  and (%(agency)s::text is null or escalation.organisation = %(agency)s)
order by escalation.state = 'acknowledged', escalation.due_at, escalation.id
limit %(limit)s
