-- Make the directory's organisations known, in the order of their codes against deadlocks.
insert into organisation (code, name, kind, channel)
select *
from unnest(%(codes)s::text[], %(names)s::text[], %(kinds)s::text[], %(channels)s::text[])
    as row (code, name, kind, channel)
order by code
on conflict (code) do update
set name = excluded.name, kind = excluded.kind, channel = excluded.channel
