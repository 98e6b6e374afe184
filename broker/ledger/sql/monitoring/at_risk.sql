-- Open work that is late or may become so, soonest first: why each one is on the list, and whether
-- it is escalated.
with usual as (
    select * from unnest(%(agencies)b::text[], %(usual)b::float8[]) as row (agency, seconds)
),
silent as (
    select distinct escalation.organisation as agency
    from escalation join silence on silence.escalation = escalation.id
    where escalation.milestone = 'silence' and escalation.referral is null
      and escalation.state <> 'ended' and silence.activity = 'collecting'
),
work as (
    select delivery.referral, delivery.id as delivery, delivery.agency, delivery.state,
           delivery.attempt, delivery.clock_start, delivery.acknowledged_at is null as unanswered,
           case when delivery.state = 'undeliverable' then delivery.refused_because
                when delivery.state = 'available' and delivery.next_attempt_at is not null
                     and delivery.attempt > 0 then 'deferred' end as trouble,
           next_milestone(delivery) as milestone,
           next_deadline(delivery) as due_at
    from delivery
    where is_asked(delivery)
      and (%(agency)s::text is null or delivery.agency = %(agency)s)
    union all
    select id, null, null, state, attempt, accepted_at, true, reason, 'attend', attend_by
    from referral
    where state = 'unroutable' and %(agency)s::text is null
    union all
    select id, null, null, 'accepted', attempt, accepted_at, false, null, 'route', due_at
    from unrouted
    where accepted_at < %(now)s::timestamptz - interval '10 seconds' and %(agency)s::text is null
),
judged as (
    select work.*,
           case when due_at < %(now)s then 'breached'
                when due_at < %(now)s::timestamptz + %(within)s::interval then 'soon'
                when trouble is not null then 'trouble'
                when unanswered and due_at < %(now)s::timestamptz
                                             + make_interval(secs => usual.seconds) then 'usual'
                when unanswered and silent.agency is not null then 'silent'
                when %(everything)s then 'open'
           end as why
    from work left join usual using (agency) left join silent using (agency)
),
listed as (
    select *
    from judged
    where why is not null and due_at is not null
    order by due_at, referral, delivery
    limit %(limit)s
)
select listed.referral, referral.reference, referral.publisher, listed.delivery, listed.agency,
       listed.state, listed.attempt, listed.clock_start, listed.trouble, listed.milestone,
       listed.due_at, listed.why, referral.effective_grade as grade,
       escalation.id as escalation, escalation.state as escalation_state,
       escalation.acknowledged_by as owner
from listed
join referral on referral.id = listed.referral
left join lateral (
    select escalation.id, escalation.state, escalation.acknowledged_by
    from escalation
    where escalation.referral = listed.referral
      and escalation.delivery is not distinct from listed.delivery and escalation.task is null
      and escalation.state <> 'ended'
    order by escalation.began_at desc
    limit 1
) escalation on true
order by listed.due_at, listed.referral, listed.delivery
