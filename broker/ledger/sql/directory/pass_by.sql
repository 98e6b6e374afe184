-- Note until when every version is started, and write an event for each that is due and was refused.
-- The transaction holds the head.
with head as (
    update directory_head
    set started_until = greatest(started_until, %(started_until)s::timestamptz)
)
insert into event (at, kind, agency, actor, data)
select %(now)s, 'organisation.refused', refused.code, recorded.actor,
       jsonb_build_object('version', refused.version, 'faults', refused.faults::jsonb)
from unnest(%(codes)s::text[], %(versions)s::int[], %(faults)s::text[])
    as refused (code, version, faults)
join organisation_version recorded using (code, version)
