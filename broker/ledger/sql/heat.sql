-- How many deadlines fell into each slot and how many were kept, of the agencies that kept least.
with slot as (
    select seen.agency, date_bin(%(slot)s::interval, seen.at, %(start)s::timestamptz) as at,
           sum(seen.due - seen.withdrawn)::bigint as due, sum(seen.in_time)::bigint as in_time
    from promise_seen seen
    where seen.level = 'minute' and seen.at >= %(start)s and seen.at < %(end)s
      and (%(agency)s::text is null or seen.agency = %(agency)s)
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
