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
-- Each piece by itself, so that it is read through the index and not joined with all there is.
cross join lateral (
    select agency, milestone, sum(due) as due, sum(withdrawn) as withdrawn, sum(in_time) as in_time
    from promise_seen
    where level = part.level and at >= part.low and at < part.high
    group by 1, 2
) as seen
group by 1, 2
order by 1, 2
