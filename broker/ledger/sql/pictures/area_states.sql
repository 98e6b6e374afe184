-- The open work of the agencies that serve each area, as the directory names them. An agency of
-- several areas counts in each of them.
with served as (
    select distinct area, agency
    from unnest(%(areas)b::text[], %(agencies)b::text[]) as row (area, agency)
),
work as (
    select agency, count(*) as open,
           count(*) filter (where is_late(delivery, %(now)s)) as late,
           count(*) filter (where state <> 'held' and next_deadline(delivery) >= %(now)s
                            and next_deadline(delivery)
                                < %(now)s::timestamptz + %(within)s::interval) as due_soon,
           min(next_deadline(delivery)) filter (where state <> 'held') as next_due_at
    from delivery
    where is_open(delivery)
    group by agency
)
select served.area, coalesce(sum(work.open), 0)::bigint as open,
       coalesce(sum(work.late), 0)::bigint as late,
       coalesce(sum(work.due_soon), 0)::bigint as due_soon, min(work.next_due_at) as next_due_at
from served
left join work using (agency)
group by served.area
order by served.area
