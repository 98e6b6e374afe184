-- The documents of one version, or of that in force; a version with rows has those it is based on.
with wanted as (
    select policy.version, coalesce(policy_revision.based_on, policy.version) as based_on
    from policy
    left join policy_revision on policy_revision.version = policy.version
    where %(version)s::text is null or policy.version = %(version)s
    order by policy.published_at desc, policy_revision.revision desc nulls last,
             policy.version desc
    limit 1
)
select wanted.version, policy.documents
from wanted
join policy on policy.version = wanted.based_on
