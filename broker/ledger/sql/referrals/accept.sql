-- Write each referral that the ledger does not hold yet, with its content and its first event. A
-- rejected one is superseded by a corrected one under its reference, which keeps its clock; the same
-- content is no second referral: one that is rejected or unroutable is due to be judged anew.
-- What is not returned was there before, or comes earlier in this batch: the unique indexes decide.
with incoming as (
    select *
    from unnest(%(ids)b::uuid[], %(publishers)b::text[], %(references)b::text[], %(keys)b::text[],
                %(digests)b::bytea[], %(bodies)b::bytea[], %(accepted)b::timestamptz[],
                %(actors)b::text[], %(occurrences)b::text[])
        as row (id, publisher, reference, idempotency_key, digest, body, accepted_at, actor,
                occurrence)
),
-- Locked first, so that two who hand in under one reference at once wait for each other here.
stuck as (
    select referral.id, referral.publisher, referral.reference, referral.digest, referral.state,
           coalesce(referral.clock_from, referral.accepted_at) as clock_from
    from referral
    where (referral.publisher, referral.reference) in (select publisher, reference from incoming)
      and referral.state in ('rejected', 'unroutable')
    order by referral.id
    for no key update
),
rejected as (
    select * from stuck where state = 'rejected'
),
fresh as (
    select incoming.*, rejected.id as replaces,
           least(rejected.clock_from,
                 (select min(opened_at)
                  from task
                  where task.publisher = incoming.publisher
                    and task.reference = incoming.reference and task.referral is null))
               as clock_from
    from incoming left join rejected using (publisher, reference)
    where rejected.id is null or rejected.digest <> incoming.digest
),
judged_anew as (
    update referral
    set state = case stuck.state when 'rejected' then 'accepted' else referral.state end,
        attempt = 0, next_attempt_at = incoming.accepted_at,
        clock_from = case stuck.state when 'rejected' then stuck.clock_from
                                      else referral.clock_from end,
        accepted_at = case stuck.state when 'rejected' then incoming.accepted_at
                                       else referral.accepted_at end
    from incoming join stuck using (publisher, reference, digest)
    where referral.id = stuck.id and referral.state = stuck.state
      and not exists (select from fresh where fresh.replaces = stuck.id)
      -- A corrected one that came while the first was being rejected has the reference.
      and not exists (select
                      from referral other
                      where other.publisher = referral.publisher
                        and other.reference = referral.reference and other.id <> referral.id
                        and holds_reference(other.*))
    returning referral.id, referral.publisher, incoming.accepted_at, incoming.actor
),
written as (
    insert into referral (id, publisher, reference, idempotency_key, digest, accepted_at,
                          next_attempt_at, replaces, occurrence, clock_from)
    select id, publisher, reference, idempotency_key, digest, accepted_at, accepted_at, replaces,
           occurrence, clock_from
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
    union all
    select accepted_at, 'referral.rerouted', publisher, id, actor, '{}'::jsonb
    from judged_anew
)
select written.id,
       array(select task.id
             from task
             where task.state = 'open'
               and (task.referral = fresh.replaces
                    or (task.referral is null and task.publisher = fresh.publisher
                        and task.reference = fresh.reference))) as tasks
from written join fresh using (id)
