-- Take the referrals that are due and that nobody else holds, longest waiting first.
with claimed as (
    select id, publisher, reference, accepted_at, attempt, state, next_attempt_at
    from referral
    where next_attempt_at <= %(now)s
    order by next_attempt_at, id
    limit %(limit)s
    for update skip locked
)
select claimed.id, claimed.publisher, claimed.reference, content.body, claimed.accepted_at,
       claimed.attempt, coalesce(finding.areas, '{}'::jsonb) as areas, claimed.state
from claimed
join referral_content content on content.referral = claimed.id
left join referral_finding finding on finding.referral = claimed.id
order by claimed.next_attempt_at, claimed.id
