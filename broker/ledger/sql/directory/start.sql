-- Put versions in force, in this order, each as a revision of the directory and as an event. Whoever
-- runs it holds the head.
with started as (
    select code, version, number
    from unnest(%(codes)s::text[], %(versions)s::int[]) with ordinality
        as row (code, version, number)
),
head as (
    update directory_head
    set revision = revision + (select count(*) from started)
    returning revision
),
numbered as (
    insert into directory_revision (revision, code, version, in_force_at)
    select %(last)s::bigint + number, code, version, %(now)s from started
    returning revision, code, version
),
event as (
    insert into event (at, kind, agency, actor, data)
    select %(now)s, 'organisation.changed', numbered.code, recorded.actor,
           jsonb_build_object('version', numbered.version, 'revision', numbered.revision)
    from numbered
    join organisation_version recorded using (code, version)
    order by numbered.revision
)
update organisation
set name = last.document ->> 'name', kind = last.document ->> 'kind',
    channel = last.document ->> 'channel'
from (
    select distinct on (numbered.code) numbered.code, recorded.document
    from numbered
    join organisation_version recorded using (code, version)
    order by numbered.code, numbered.revision desc
) last
where organisation.code = last.code
  and (organisation.name, organisation.kind, organisation.channel) is distinct from
      (last.document ->> 'name', last.document ->> 'kind', last.document ->> 'channel')
