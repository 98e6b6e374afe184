-- The versions of one organisation, the last one first, each with when it came into force.
select organisation_version.code, organisation_version.version, organisation_version.document,
       organisation_version.starts_at, organisation_version.recorded_at,
       organisation_version.actor, organisation_version.reason,
       directory_revision.revision, directory_revision.in_force_at
from organisation_version
left join directory_revision using (code, version)
where organisation_version.code = %(code)s
order by organisation_version.version desc
limit %(limit)s
