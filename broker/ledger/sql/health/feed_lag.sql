-- For how many seconds the first event that nobody has numbered has waited; no feed shows it yet.
select coalesce(extract(epoch from %(now)s::timestamptz - first.at), 0)::float8 as seconds
from feed_position
left join lateral (
    select at from event where event.id > feed_position.last_event order by event.id limit 1
) first on true
