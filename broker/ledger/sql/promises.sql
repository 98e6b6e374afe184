-- How many deadlines fell into each window, and how many of them were kept, by agency and
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
select part.name as window, seen.agency, seen.milestone,
       sum(part.sign * (seen.due - seen.withdrawn))::bigint as due,
       sum(part.sign * seen.in_time)::bigint as in_time
from part
join promise_seen seen on seen.level = part.level and seen.at >= part.low and seen.at < part.high
where %(agency)s::text is null or seen.agency = %(agency)s
group by 1, 2, 3
having sum(part.sign * (seen.due - seen.withdrawn)) <> 0 or sum(part.sign * seen.in_time) <> 0
order by 1, 2, 3
