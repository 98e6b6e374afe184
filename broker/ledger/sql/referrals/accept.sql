-- Write each referral that the ledger does not hold yet, with its content and its first event. A
-- rejected one is superseded by a corrected one under its reference, but not by the same content.
-- What is not returned was there before, or comes earlier in this batch: the unique indexes decide.
with incoming as (
    select *
    from unnest(%(ids)b::uuid[], %(publishers)b::text[], %(references)b::text[], %(keys)b::text[],
                %(digests)b::bytea[], %(bodies)b::bytea[], %(accepted)b::timestamptz[],
                %(actors)b::text[], %(occurrences)b::text[])
        as row (id, publisher, reference, idempotency_key, digest, body, accepted_at, actor,
                occurrence)
),
fresh as (
    select incoming.*, rejected.id as replaces
    from incoming
    left join referral rejected
        on rejected.publisher = incoming.publisher
        and rejected.reference = incoming.reference
        and rejected.state = 'rejected'
    where rejected.id is null or rejected.digest <> incoming.digest
),
written as (
    insert into referral (id, publisher, reference, idempotency_key, digest, accepted_at,
                          next_attempt_at, replaces, occurrence)
    select id, publisher, reference, idempotency_key, digest, accepted_at, accepted_at, replaces,
           occurrence
    from fresh
    -- In one order everywhere, so that two gateways never wait for each other.
    order by publisher, reference
    on conflict do nothing
    returning id, replaces
),
superseded as (
    update referral
    set state = 'closed', closed_at = fresh.accepted_at
    from fresh join written using (id)
    where referral.id = fresh.replaces and referral.state = 'rejected'
    returning referral.id, referral.publisher, fresh.accepted_at, fresh.actor, fresh.id as by
),
content as (
    insert into referral_content (referral, body)
    select id, body from fresh join written using (id)
),
history as (
    insert into event (at, kind, publisher, referral, actor, data)
    select accepted_at, 'referral.accepted', publisher, id, actor, '{}'::jsonb
    from fresh join written using (id)
    union all
    select accepted_at, 'referral.closed', publisher, id, actor,
           jsonb_build_object('superseded_by', by)
    from superseded
)
select id from written
