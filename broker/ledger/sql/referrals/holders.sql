-- Which referral holds the reference, and which the idempotency key, of each submission. A rejected
-- one holds its reference against the same content alone; a corrected one supersedes it.
with incoming as (
    select *
    from unnest(%(places)s::int[], %(publishers)s::text[], %(references)s::text[],
                %(keys)s::text[], %(digests)s::bytea[])
        as row (place, publisher, reference, idempotency_key, digest)
),
holder as (
    select incoming.place, true as by_reference, referral.*
    from incoming
    join referral
        on referral.publisher = incoming.publisher
        and referral.reference = incoming.reference
        and not (referral.state = 'closed' and referral.routed_at is null
                 and referral.recalled_at is null)
        and not (referral.state = 'rejected' and referral.digest <> incoming.digest)
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
