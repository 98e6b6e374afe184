-- What organisations that differ between two revisions of the directory are at the second one, a page
-- of them in the order of their codes; no document where one is no row then. Revisions never change,
-- so that pages fit together whatever happens between them.
with changed as (
    select distinct code
    from directory_revision
    where code > %(code)s
      and revision > least(%(before)s, %(after)s) and revision <= greatest(%(before)s, %(after)s)
    order by code
    limit %(limit)s
)
select changed.code, coalesce(latest.version, 0) as version, beginning.first, latest.document
from changed
cross join lateral (
    select min(revision) as first from directory_revision where code = changed.code
) beginning
left join lateral (
    select organisation_version.version, organisation_version.document
    from directory_revision
    join organisation_version using (code, version)
    where directory_revision.code = changed.code and directory_revision.revision <= %(after)s
    order by directory_revision.revision desc
    limit 1
) latest on true
order by changed.code
