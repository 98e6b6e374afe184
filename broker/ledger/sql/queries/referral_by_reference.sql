-- The last referral that was accepted under a reference, without its content.
select referral.id, referral.publisher, referral.reference, referral.state,
       coalesce(correction.digest, referral.digest) as digest, referral.version,
       referral.recalled_at, referral.recall_reason, referral.recalled_by,
       referral.accepted_at, referral.routed_at, referral.closed_at, referral.grade,
       referral.effective_grade, referral.policy_version, referral.directory_version,
       referral.reason, referral.attend_by, coalesce(finding.faults, '[]'::jsonb) as faults,
       coalesce(finding.defects, '[]'::jsonb) as defects,
       coalesce(finding.warnings, '[]'::jsonb) as warnings
from referral
left join correction
    on correction.referral = referral.id and correction.version = referral.version
left join referral_finding finding on finding.referral = referral.id
where referral.reference = %(reference)s::text
  and (%(publisher)s::text is null or referral.publisher = %(publisher)s)
order by referral.accepted_at desc, referral.id desc
limit 1
