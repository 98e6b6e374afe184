-- What is known of the children of routed referrals, and of how many it is not, and why. A child who is
-- not born yet is not counted.
with counted as materialized (
    select publisher, coalesce(grade, '') as grade, coalesce(profile ->> 'unit', '') as unit,
           to_char(accepted_at at time zone 'Europe/London', 'YYYY-MM') as month,
           (profile ->> 'children')::int as children, profile -> 'lacks' as lacks
    from referral
    where accepted_at >= %(since)s and accepted_at < %(until)s
      and (%(force)s::text is null or publisher = %(force)s)
      and routed_at is not null and profile is not null
),
fact as (
    select counted.*, fact.what, coalesce(counted.lacks -> fact.what, '{}') as unknown
    from counted
    cross join (values ('age'), ('sex'), ('ethnicity'), ('disability'), ('language'), ('status'),
                       ('voice')) as fact (what)
),
child as (
    select publisher, unit, grade, month, what, lack.name, lack.children
    from fact
    cross join lateral (
        select key as name, value::int as children
        from jsonb_each_text(unknown)
        union all
        select case what when 'voice' then 'heard' else 'known' end,
               fact.children - coalesce(sum(value::int), 0)::int
        from jsonb_each_text(unknown)
    ) lack
)
select publisher, unit, grade, '' as agency, month,
       case what when 'status' then 'missing_status' else what end as what, name,
       sum(children) as count
from child
group by publisher, unit, grade, month, what, name
having sum(children) > 0
