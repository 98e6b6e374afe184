-- How many deliveries took how long in each window, by agency, milestone and bucket. A window's
-- sum is that of the days from the first one's beginning up to its end, less up to its start.
with span as (
    select *
    from unnest(%(names)b::text[], %(starts)b::timestamptz[], %(ends)b::timestamptz[])
        as row (name, start, stop)
),
part as (
    select span.name, piece.*
    from span
    cross join lateral (values
        ('day', date_trunc('day', start, 'UTC'), date_trunc('day', stop, 'UTC'), 1),
        ('hour', date_trunc('day', stop, 'UTC'), date_trunc('hour', stop, 'UTC'), 1),
        ('minute', date_trunc('hour', stop, 'UTC'), stop, 1),
        ('hour', date_trunc('day', start, 'UTC'), date_trunc('hour', start, 'UTC'), -1),
        ('minute', date_trunc('hour', start, 'UTC'), start, -1)
    ) as piece (level, low, high, sign)
),
counted as (
    select part.name as window, seen.agency, seen.milestone, seen.bucket,
           sum(part.sign * seen.count)::bigint as count
    from part
    -- Each piece by itself, so that it is read through the index and not joined with all there is.
    cross join lateral (
        select agency, milestone, bucket, count
        from latency_seen
        where level = part.level and at >= part.low and at < part.high
          and (%(agency)s::text is null or agency = %(agency)s)
          and (%(milestone)s::text is null or milestone = %(milestone)s)
        offset 0
    ) as seen
    group by 1, 2, 3, 4
)
select "window", agency, milestone, array_agg(bucket) as buckets, array_agg(count) as counts
from counted
where count <> 0
group by 1, 2, 3
