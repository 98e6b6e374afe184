-- Make organisations known to the history, in the order of their codes against deadlocks.
insert into organisation (code, name, kind, channel)
select *
from unnest(%(codes)s::text[], %(names)s::text[], %(kinds)s::text[], %(channels)s::text[])
    as row (code, name, kind, channel)
order by code
on conflict (code) do nothing
