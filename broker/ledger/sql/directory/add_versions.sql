-- Add a version of each organisation after the last that somebody saw. Whoever runs it holds the
-- head; an organisation that has another last version by now is left out.
with wanted as (
    select code, expected, document
    from unnest(%(codes)s::text[], %(expected)s::int[], %(documents)s::text[])
        as row (code, expected, document)
)
insert into organisation_version (code, version, document, starts_at, recorded_at, actor, reason)
select code, expected + 1, document::jsonb, %(starts_at)s, %(now)s, %(actor)s, %(reason)s
from wanted
where expected = (
    select coalesce(max(version), 0) from organisation_version known where known.code = wanted.code
)
returning code, version
