-- What was accepted in a stretch of time, as it was received: a page in the order of acceptance.
select referral.id, referral.publisher, referral.reference, referral.accepted_at,
       referral.routed_at, content.body, coalesce(finding.areas, '{}'::jsonb) as areas
from referral
join referral_content content on content.referral = referral.id
left join referral_finding finding on finding.referral = referral.id
where (referral.accepted_at, referral.id) > (%(after)s, %(last)s::uuid)
  and referral.accepted_at < %(until)s
order by referral.accepted_at, referral.id
limit %(limit)s
