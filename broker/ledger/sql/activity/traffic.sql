-- The counts of each hour, in two lists for each organisation and activity.
select organisation, activity, min(hour) as first,
       array_agg(hour order by hour) filter (where hour >= %(since)s) as hours,
       array_agg(count order by hour) filter (where hour >= %(since)s) as counts
from traffic
where activity = any(%(activities)s::text[])
group by organisation, activity
having bool_or(hour >= %(since)s)
