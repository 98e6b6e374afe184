-- Everything that was ever counted, for counters that only rise: latencies by bucket, and the
-- deadlines whose minute is over.
with part as (
    select * from (values
        ('all', '-infinity'::timestamptz, 'infinity'::timestamptz),
        ('day', '-infinity', date_trunc('day', %(end)s::timestamptz, 'UTC')),
        ('hour', date_trunc('day', %(end)s::timestamptz, 'UTC'),
         date_trunc('hour', %(end)s::timestamptz, 'UTC')),
        ('minute', date_trunc('hour', %(end)s::timestamptz, 'UTC'), %(end)s)
    ) as row (level, low, high)
)
select seen.agency, seen.milestone, sum(seen.due)::bigint as due,
       sum(seen.withdrawn)::bigint as withdrawn, sum(seen.in_time)::bigint as in_time
from part
join promise_seen seen on seen.level = part.level and seen.at >= part.low and seen.at < part.high
group by 1, 2
order by 1, 2
