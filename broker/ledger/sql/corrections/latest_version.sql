-- A locked referral with its latest version.
select referral.id, referral.publisher, referral.reference, referral.state, referral.version,
       referral.routed_at, referral.recalled_at, referral.recall_reason, referral.recalled_by,
       coalesce(correction.digest, referral.digest) as digest,
       coalesce(correction.accepted_at, referral.accepted_at) as accepted_at
from referral
left join correction
    on correction.referral = referral.id and correction.version = referral.version
where referral.id = %(referral)s::uuid
