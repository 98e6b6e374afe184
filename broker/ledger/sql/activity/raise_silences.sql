-- Open an alarm where none is open. The index escalation_of_silence lets one insert through, so two
-- workers cannot both open it. A publisher reads its own in its feed.
with quiet as (
    select *
    from unnest(%(ids)b::uuid[], %(organisations)b::text[], %(activities)b::text[],
                %(reasons)b::text[], %(sinces)b::timestamptz[], %(lasts)b::timestamptz[],
                %(counted)b::int[], %(expected)b::float8[])
        as row (id, organisation, activity, reason, since, last_at, counted, expected)
),
opened as (
    insert into escalation (id, ladder, policy_version, milestone, organisation, due_at, began_at,
                            next_step_at)
    select id, 'silence', %(policy)s, 'silence', organisation, %(now)s, %(now)s, %(now)s
    from quiet
    order by organisation
    on conflict do nothing
    returning id
),
why as (
    insert into silence (escalation, activity, reason, last_at, counted, expected)
    select id, activity, reason, last_at, counted, expected from quiet join opened using (id)
)
insert into event (at, kind, publisher, agency, actor, data)
select %(now)s,
       case reason when 'dropped' then 'organisation.dropped' else 'organisation.silent' end,
       case when exists (select from credential
                         where credential.organisation = quiet.organisation
                           and 'publish' = any(scopes)) then organisation end,
       case activity when 'collecting' then organisation end, %(actor)s,
       jsonb_strip_nulls(jsonb_build_object(
           'organisation', organisation, 'activity', activity, 'reason', reason, 'since', since,
           'last_at', last_at, 'counted', counted, 'expected', round(expected::numeric, 1)))
from quiet join opened using (id)
order by organisation
returning id
