-- The alarms about silence that have not ended, the oldest first.
select escalation.id as escalation, escalation.organisation, silence.activity, silence.reason,
       escalation.began_at, silence.last_at, silence.counted, silence.expected,
       escalation.acknowledged_by
from escalation
join silence on silence.escalation = escalation.id
where escalation.milestone = 'silence' and escalation.referral is null
  and escalation.state <> 'ended'
order by escalation.began_at, escalation.organisation
limit %(limit)s
