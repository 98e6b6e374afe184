-- The versions that were set for a later time and start now, in the order of their starts. Of those
-- that one organisation has for the same instant the last one counts: it takes in what was changed
-- after the others were set.
select code, version, document, starts_at
from organisation_version, directory_head
where starts_at > recorded_at and starts_at <= %(now)s and starts_at > started_until
  and not exists (
      select
      from organisation_version newer
      where newer.code = organisation_version.code
        and newer.version > organisation_version.version
        and newer.starts_at = organisation_version.starts_at
        and newer.starts_at > newer.recorded_at
  )
  and not exists (
      select
      from directory_revision
      where directory_revision.code = organisation_version.code
        and directory_revision.version = organisation_version.version
  )
order by starts_at, version, code
