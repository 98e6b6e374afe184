-- The version that was submitted under an idempotency key.
select version, digest, accepted_at
from correction
where referral = %(referral)s::uuid and idempotency_key = %(idempotency_key)s::text
