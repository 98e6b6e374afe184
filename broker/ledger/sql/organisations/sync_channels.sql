-- Make the registry's channels known, in the order of their names against deadlocks.
insert into channel (name, is_push)
select *
from unnest(%(names)s::text[], %(pushes)s::bool[]) as row (name, is_push)
order by name
on conflict (name) do update
set is_push = excluded.is_push
where channel.is_push <> excluded.is_push
