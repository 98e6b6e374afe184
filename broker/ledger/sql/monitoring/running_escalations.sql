-- The ladders that are being climbed, or were acknowledged and run on, oldest deadline first:
-- all, or those of one agency, of one referral, or with one id.
select escalation.id, escalation.ladder, escalation.milestone, escalation.referral,
       referral.reference, escalation.delivery, escalation.organisation, escalation.due_at,
       escalation.began_at, escalation.state, escalation.step, escalation.next_step_at,
       escalation.acknowledged_at, escalation.acknowledged_by
from escalation
left join referral on referral.id = escalation.referral
where escalation.state <> 'ended'
  and (%(agency)s::text is null or escalation.organisation = %(agency)s)
  and (%(id)s::uuid is null or escalation.id = %(id)s)
  and (%(referral)s::uuid is null or escalation.referral = %(referral)s)
order by escalation.state = 'acknowledged', escalation.due_at, escalation.id
limit %(limit)s
