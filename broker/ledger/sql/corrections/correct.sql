-- Write a further version of a referral and make it due for routing; a closed one is reopened. The
-- version and the state that were read must still stand. An area that was given to somebody who has
-- moved, or whose id is somebody else's now, is given up with it.
with changed as (
    update referral
    set version = %(version)s, attempt = 0, next_attempt_at = %(now)s::timestamptz,
        state = case when referral.state = 'closed' then 'routed' else referral.state end,
        closed_at = null
    where id = %(referral)s and version = %(version)s - 1 and state = %(before)s
    returning id, publisher, state
),
given_up as (
    update referral_finding
    set areas = referral_finding.areas - %(moved)s::text[]
    from changed
    where referral_finding.referral = changed.id and referral_finding.areas <> '{}'
),
content as (
    insert into referral_content (referral, version, body)
    select id, %(version)s, %(body)s from changed
),
written as (
    insert into correction (referral, version, digest, idempotency_key, accepted_at, actor)
    select id, %(version)s, %(digest)s, %(idempotency_key)s, %(now)s, %(actor)s from changed
)
insert into event (at, kind, publisher, referral, actor, data)
select %(now)s, step.kind, changed.publisher, changed.id, %(actor)s,
       jsonb_build_object('version', %(version)s::int)
from changed
cross join (values (1, 'referral.corrected'), (2, 'referral.reopened')) as step (place, kind)
where step.kind = 'referral.corrected' or %(before)s = 'closed'
order by step.place
returning referral
