-- Which referral holds the reference, and which the idempotency key, of each submission.
with incoming as (
    select *
    from unnest(%(places)s::int[], %(publishers)s::text[], %(references)s::text[],
                %(keys)s::text[])
        as row (place, publisher, reference, idempotency_key)
),
holder as (
    select incoming.place, true as by_reference, referral.*
    from incoming
    join referral
        on referral.publisher = incoming.publisher
        and referral.reference = incoming.reference
        and not (referral.state = 'closed' and referral.routed_at is null
                 and referral.recalled_at is null)
    union all
    select incoming.place, false, referral.*
    from incoming
    join referral
        on referral.publisher = incoming.publisher
        and referral.idempotency_key = incoming.idempotency_key
)
select place, id, reference, digest, state, accepted_at, by_reference
from holder
order by place, by_reference desc, accepted_at desc
