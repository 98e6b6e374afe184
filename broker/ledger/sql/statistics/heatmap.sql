-- How many deadlines fell into each slot and how many were met, of the agencies that met the fewest.
-- The whole hours of slots of hours are read as such, and minutes for the rest.
with slot as (
    select seen.agency, date_bin(%(slot)s::interval, seen.at, %(start)s::timestamptz) as at,
           sum(seen.due - seen.withdrawn)::bigint as due, sum(seen.in_time)::bigint as in_time
    from (
        select folded.agency, folded.at, folded.due, folded.withdrawn, folded.in_time
        from (values ('hour', %(start)s::timestamptz, %(hours_end)s::timestamptz),
                     ('minute', %(hours_end)s, %(end)s)) as part (level, low, high)
        cross join lateral (
            select *
            from promise
            where level = part.level and at >= part.low and at < part.high
              and (%(agency)s::text is null or agency = %(agency)s)
            offset 0
        ) as folded
        union all
        -- What is not folded yet is read once: it has the minute.
        select agency, minute, due, withdrawn, in_time
        from promise_delta
        where minute >= %(start)s and minute < %(end)s
          and (%(agency)s::text is null or agency = %(agency)s)
    ) as seen
    group by 1, 2
),
worst as (
    select agency
    from slot
    group by agency
    having sum(due) > 0
    order by sum(in_time) / sum(due), sum(due) - sum(in_time) desc, agency
    limit %(limit)s
)
select agency, at, due, in_time, sum(due - in_time) over (partition by agency) as missed
from slot join worst using (agency)
where due > 0
order by sum(in_time) over (partition by agency) / sum(due) over (partition by agency),
         missed desc, agency, at
