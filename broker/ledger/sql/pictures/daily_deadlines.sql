-- How many deadlines of each agency fell on each day and were not met in time. A day of the United
-- Kingdom begins on a whole hour of UTC: it is put together from the days of UTC that begin within
-- it and the hours beside them; a day that is not over, from hours and minutes.
with span as (
    select day, start, stop, is_over, date_trunc('day', start + interval '23 hours', 'UTC') as first,
           date_trunc('day', stop + interval '23 hours', 'UTC') as last
    from unnest(%(days)b::date[], %(starts)b::timestamptz[], %(stops)b::timestamptz[],
                %(over)b::boolean[]) as row (day, start, stop, is_over)
),
piece as (
    select span.day, part.*
    from span
    cross join lateral (values
        ('hour', start, case when is_over then first else date_trunc('hour', stop, 'UTC') end, 1),
        ('day', first, case when is_over then last else first end, 1),
        ('hour', stop, case when is_over then last else stop end, -1),
        ('minute', case when is_over then stop else date_trunc('hour', stop, 'UTC') end, stop, 1)
    ) as part (level, low, high, sign)
    where low < high
)
select seen.agency, seen.day, sum(seen.due)::bigint as due,
       sum(seen.due - seen.in_time)::bigint as late
from (
    -- Each piece by itself, so that it is read through the index and not joined with all there is.
    select folded.agency, piece.day, piece.sign * folded.due as due,
           piece.sign * folded.in_time as in_time
    from piece
    cross join lateral (
        select agency, sum(due - withdrawn)::bigint as due, sum(in_time)::bigint as in_time
        from promise
        where level = piece.level and at >= piece.low and at < piece.high
          and (%(agencies)b::text[] is null or agency = any(%(agencies)b::text[]))
        group by 1
    ) as folded
    union all
    -- What is not folded yet is read once: it has the minute, so it needs no pieces.
    select fresh.agency, span.day, fresh.due - fresh.withdrawn, fresh.in_time
    from promise_delta fresh
    join span
        on span.day = (fresh.minute at time zone 'Europe/London')::date
        and fresh.minute >= span.start and fresh.minute < span.stop
    where %(agencies)b::text[] is null or fresh.agency = any(%(agencies)b::text[])
) as seen
group by 1, 2
having sum(seen.due) <> 0
order by 1, 2
