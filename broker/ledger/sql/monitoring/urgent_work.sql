-- What is late or due within a time, by agency: of each agency the first few deliveries, with how many
-- there are and who has taken the late ones on. Agencies with late work that nobody deals with come
-- first, the worst of them at the top. Reads what is open and what is escalated, and no history.
with work as (
    select delivery.id as delivery, delivery.referral, delivery.agency, delivery.state,
           delivery.collected_at, next_deadline(delivery) as due_at,
           next_milestone(delivery) as milestone
    from delivery
    where is_asked(delivery)
      and next_deadline(delivery) < %(now)s::timestamptz + %(within)s::interval
      and (%(agency)s::text is null or delivery.agency = %(agency)s)
),
running as (
    select delivery, bool_and(state = 'acknowledged') as is_taken,
           min(acknowledged_by) as owner, min(acknowledged_at) as taken_at,
           min(taken_until) as taken_until, min(next_step_at) as next_step_at
    from escalation
    where state <> 'ended' and delivery is not null
    group by delivery
),
urgent as (
    select work.*, work.due_at < %(now)s as is_late, coalesce(running.is_taken, false) as is_taken,
           running.is_taken is false as is_open, running.owner, running.taken_at,
           running.taken_until, running.next_step_at,
           row_number() over (partition by agency order by due_at, work.delivery) as place
    from work left join running using (delivery)
),
summed as (
    select agency, count(*) filter (where is_late) as late,
           count(*) filter (where not is_late) as soon,
           count(*) filter (where is_late and not is_taken) as unowned,
           count(*) filter (where is_late and is_open) as escalated,
           min(due_at) as first_due_at, min(due_at) filter (where not is_late) as first_soon_at,
           array_remove(array_agg(distinct owner) filter (where is_late and is_taken), null)
               as owners,
           min(taken_at) filter (where is_late and is_taken) as taken_at,
           min(taken_until) filter (where is_late and is_taken) as taken_until,
           min(next_step_at) filter (where is_late and not is_taken) as next_step_at
    from urgent
    group by agency
),
ranked as (
    select *, count(*) over () as agencies, sum((late > 0)::int) over () as late_agencies,
           sum((soon > 0)::int) over () as soon_agencies,
           min(first_soon_at) over () as earliest_soon_at,
           row_number() over (order by unowned = 0, late = 0, first_due_at, agency) as rank
    from summed
)
select ranked.agency, ranked.late, ranked.soon, ranked.unowned, ranked.escalated,
       ranked.first_due_at, ranked.first_soon_at, ranked.owners, ranked.taken_at, ranked.taken_until,
       ranked.next_step_at, ranked.agencies, ranked.late_agencies, ranked.soon_agencies,
       ranked.earliest_soon_at, urgent.delivery, urgent.referral, referral.reference,
       referral.effective_grade as grade, urgent.state, urgent.milestone, urgent.due_at,
       urgent.collected_at, urgent.is_late, case when urgent.is_taken then urgent.owner end as owner
from ranked
join urgent on urgent.agency = ranked.agency and urgent.place <= %(each)s
join referral on referral.id = urgent.referral
where ranked.rank <= %(limit)s
order by ranked.rank, urgent.place
