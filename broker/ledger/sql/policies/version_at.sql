-- The policy's version that was in force at an instant.
select policy.version
from policy
left join policy_revision on policy_revision.version = policy.version
where policy.published_at <= %(at)s
order by policy.published_at desc, policy_revision.revision desc nulls last, policy.version desc
limit 1
