-- What each organisation that differs between two revisions of the directory is at the second one;
-- no document where it is no row then.
with changed as (
    select distinct code
    from directory_revision
    where revision > least(%(before)s, %(after)s) and revision <= greatest(%(before)s, %(after)s)
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
order by beginning.first
