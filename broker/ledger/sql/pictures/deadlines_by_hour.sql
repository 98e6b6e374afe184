-- Open work by the hour of its next deadline, until an instant; what is late already has no hour. The
-- same work as in monitoring/risk_counts.sql: nothing that is held, each delivery once.
with work as (
    select referral, next_deadline(delivery) as due_at
    from delivery
    where is_asked(delivery)
    union all
    select id, attend_by from referral where state = 'unroutable'
    union all
    select id, due_at
    from unrouted
    where accepted_at < %(now)s::timestamptz - interval '10 seconds'
)
select case when due_at >= %(now)s then date_trunc('hour', due_at, 'UTC') end as begins_at,
       count(*) filter (where referral.effective_grade in ('immediate', 'very_high')) as urgent,
       count(*) filter (where referral.effective_grade is null
                        or referral.effective_grade not in ('immediate', 'very_high')) as other
from work
-- What is open belongs to an open referral: its grade is read from the index of those.
left join referral on referral.id = work.referral and referral.state not in ('closed', 'rejected')
where due_at < %(until)s
group by 1
order by 1 nulls first
