-- Add counts to their hours, and write when each organisation was last active. The order is the same
-- everywhere, so that two gateways never wait for each other.
with noted as (
    select *
    from unnest(%(organisations)b::text[], %(activities)b::text[], %(hours)b::timestamptz[],
                %(counts)b::int[], %(lasts)b::timestamptz[])
        as row (organisation, activity, hour, count, last_at)
),
counted as (
    insert into traffic (activity, hour, organisation, count)
    select activity, hour, organisation, count
    from noted
    order by activity, hour, organisation
    on conflict (activity, hour, organisation) do update
    set count = least(traffic.count::bigint + excluded.count, 2000000000)::int
)
insert into presence (organisation, activity, last_at)
select organisation, activity, max(last_at)
from noted
group by organisation, activity
order by activity, organisation
on conflict (organisation, activity) do update
set last_at = greatest(presence.last_at, excluded.last_at)
