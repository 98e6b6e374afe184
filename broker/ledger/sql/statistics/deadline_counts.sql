-- How many deadlines fell into each window, and how many of them were met in time, by agency and
-- milestone; windows are put together from whole days, hours and minutes as in latencies.sql.
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
)
select seen.name as window, seen.agency, seen.milestone, sum(seen.due)::bigint as due,
       sum(seen.in_time)::bigint as in_time
from (
    -- Each piece by itself, so that it is read through the index and not joined with all there is.
    select part.name, folded.agency, folded.milestone, part.sign * folded.due as due,
           part.sign * folded.in_time as in_time
    from part
    cross join lateral (
        select agency, milestone, sum(due - withdrawn)::bigint as due,
               sum(in_time)::bigint as in_time
        from promise
        where level = part.level and at >= part.low and at < part.high
          and (%(agency)s::text is null or agency = %(agency)s)
        group by 1, 2
    ) as folded
    union all
    -- What is not folded yet is read once a window: it has the minute, so it needs no pieces.
    select span.name, fresh.agency, fresh.milestone, fresh.due - fresh.withdrawn, fresh.in_time
    from promise_delta fresh
    join span on fresh.minute >= span.start and fresh.minute < span.stop
    where %(agency)s::text is null or fresh.agency = %(agency)s
) as seen
group by 1, 2, 3
having sum(seen.due) <> 0 or sum(seen.in_time) <> 0
