-- Open work by the time that is left until its next deadline, and by effective grade. What is open
-- belongs to an open referral.
with work as (
    select referral,
           case when state = 'held' then 'held' end as aside, paused_milestones(delivery) <> '{}' as is_paused,
           next_deadline(delivery) as due_at
    from delivery
    where is_open(delivery)
      and (%(agency)s::text is null or agency = %(agency)s)
    union all
    select id, null, false, attend_by
    from referral
    where state = 'unroutable' and %(agency)s::text is null
    union all
    select id, null, false, due_at from unrouted where %(agency)s::text is null
)
select coalesce(work.aside,
                case when due_at is null and is_paused then 'paused'
                     when due_at is null then 'none'
                     when due_at < %(now)s then 'breached'
                     when due_at < %(now)s::timestamptz + interval '5 minutes' then '5'
                     when due_at < %(now)s::timestamptz + interval '15 minutes' then '15'
                     when due_at < %(now)s::timestamptz + interval '30 minutes' then '30'
                     when due_at < %(now)s::timestamptz + interval '60 minutes' then '60'
                     else 'more' end) as band,
       coalesce(referral.effective_grade, 'unknown') as grade, count(*) as count
from work
left join referral on referral.id = work.referral and referral.state not in ('closed', 'rejected')
group by 1, 2
