-- One version, or that in force: on whose documents it is based, and its revision of the directory.
select policy.version, coalesce(policy_revision.based_on, policy.version) as based_on,
       coalesce(policy_revision.revision, 0) as revision
from policy
left join policy_revision on policy_revision.version = policy.version
where %(version)s::text is null or policy.version = %(version)s
order by policy.published_at desc, policy_revision.revision desc nulls last, policy.version desc
limit 1
