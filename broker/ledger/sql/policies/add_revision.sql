-- Put a revision of the directory in force, with one policy or that in force. Whoever runs it holds
-- the head, so that nothing comes between. It is later than what was in force, whatever clocks say.
with latest as (
    select policy.published_at,
           coalesce(%(based_on)s, policy_revision.based_on, policy.version) as based_on
    from policy
    left join policy_revision on policy_revision.version = policy.version
    order by policy.published_at desc, policy_revision.revision desc nulls last,
             policy.version desc
    limit 1
),
added as (
    insert into policy (version, sha256, documents, published_at, calendar_sha256, calendar_ends)
    select latest.based_on || '.' || %(revision)s::bigint, base.sha256, '{}',
           greatest(%(now)s, latest.published_at + interval '1 microsecond'),
           base.calendar_sha256, base.calendar_ends
    from latest
    join policy base on base.version = latest.based_on
    on conflict (version) do update set published_at = excluded.published_at
    returning version
),
based as (
    insert into policy_revision (version, based_on, revision)
    select added.version, latest.based_on, %(revision)s
    from added, latest
    on conflict (version) do nothing
)
select version from added
