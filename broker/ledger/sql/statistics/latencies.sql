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
    select seen.name as window, seen.agency, seen.milestone, seen.bucket,
           sum(seen.count)::bigint as count
    from (
        -- Each piece by itself, so that it is read through the index and not joined with all.
        select part.name, folded.agency, folded.milestone, folded.bucket,
               part.sign * folded.count as count
        from part
        cross join lateral (
            select agency, milestone, bucket, count
            from latency
            where level = part.level and at >= part.low and at < part.high
              and (%(agency)s::text is null or agency = %(agency)s)
              and (%(milestone)s::text is null or milestone = %(milestone)s)
            offset 0
        ) as folded
        union all
        -- What is not folded yet is read once a window: it has the minute, so it needs no pieces.
        select span.name, fresh.agency, fresh.milestone, fresh.bucket, fresh.count
        from latency_delta fresh
        join span on fresh.minute >= span.start and fresh.minute < span.stop
        where (%(agency)s::text is null or fresh.agency = %(agency)s)
          and (%(milestone)s::text is null or fresh.milestone = %(milestone)s)
    ) as seen
    group by 1, 2, 3, 4
)
select "window", agency, milestone, array_agg(bucket) as buckets, array_agg(count) as counts
from counted
where count <> 0
group by 1, 2, 3
