-- Which referral holds the reference, and which the idempotency key, of each submission.
select incoming.place, referral.id, referral.reference, referral.digest, referral.state,
       referral.accepted_at, referral.reference = incoming.reference as by_reference
from unnest(%(places)s::int[], %(publishers)s::text[], %(references)s::text[], %(keys)s::text[])
    as incoming (place, publisher, reference, idempotency_key)
join referral
    on referral.publisher = incoming.publisher
    and (
        (referral.reference = incoming.reference
         and not (referral.state = 'closed' and referral.routed_at is null))
        or referral.idempotency_key = incoming.idempotency_key
    )
order by incoming.place, by_reference desc, referral.accepted_at desc
