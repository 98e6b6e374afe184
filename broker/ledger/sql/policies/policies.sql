-- Published policies without their documents, the one in force first; a change of the directory is none.
select version, sha256, published_at, calendar_sha256, calendar_ends
from policy
where not exists (select from policy_revision where policy_revision.version = policy.version)
order by published_at desc, version desc
limit %(limit)s
