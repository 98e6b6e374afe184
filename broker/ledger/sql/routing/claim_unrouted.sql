-- Lock the referrals that are due and that no other worker holds, longest waiting first; or of some
-- referrals those that are reserved until exactly an instant.
with claimed as (
    select id, publisher, reference, accepted_at, clock_from, attempt, begun, state, next_attempt_at, version,
           grade, effective_grade, recall_reason, routed_at
    from referral
    where next_attempt_at between coalesce(%(since)s::timestamptz, '-infinity') and %(until)s
      and (%(ids)s::uuid[] is null or id = any(%(ids)s))
    order by next_attempt_at, id
    limit %(limit)s
    for no key update skip locked
)
select claimed.id, claimed.publisher, claimed.reference, content.body,
       coalesce(claimed.clock_from, claimed.accepted_at) as accepted_at,
       claimed.attempt, claimed.begun, claimed.next_attempt_at as due_at,
       coalesce(finding.areas, '{}'::jsonb) as areas, claimed.state,
       claimed.version, coalesce(correction.accepted_at, claimed.accepted_at) as received_at,
       claimed.grade, claimed.effective_grade, claimed.recall_reason, claimed.routed_at is not null as was_routed,
       exists (select from task
               where task.referral = claimed.id and task.state = 'open') as has_tasks
from claimed
join referral_content content
    on content.referral = claimed.id and content.version = claimed.version
left join correction
    on correction.referral = claimed.id and correction.version = claimed.version
left join referral_finding finding on finding.referral = claimed.id
order by claimed.next_attempt_at, claimed.id
