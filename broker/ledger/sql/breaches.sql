-- Deadlines that passed within a time and were not kept, latest first, with what tells their cause
-- and who was told. What is open is looked through, and of the history only what was late.
with late as (
    select delivery.id, step.milestone, step.due_at, step.met_at
    from delivery
    cross join lateral (values ('acknowledge', acknowledge_by, acknowledged_at),
                               ('decide', decide_by, decided_at))
        as step (milestone, due_at, met_at)
    where state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable')
      and not (kind = 'correction' and state = 'acknowledged')
      and step.met_at is null
      and running(step.due_at, step.milestone, standing, paused_at) >= %(start)s
      and step.due_at < %(now)s
      and (%(agency)s::text is null or agency = %(agency)s)
    union all
    select id, 'acknowledge', acknowledge_by, acknowledged_at
    from delivery
    where (acknowledged_at > acknowledge_by
           or acknowledged_at is null and state in ('returned', 'recalled'))
      and acknowledge_by >= %(start)s and acknowledge_by < %(now)s
      and owed(acknowledge_by, acknowledged_at, 'acknowledge', state,
               coalesce(returned_at, recalled_at), standing, paused_at)
      and (%(agency)s::text is null or agency = %(agency)s)
    union all
    select id, 'decide', decide_by, decided_at
    from delivery
    where (decided_at > decide_by or decided_at is null and state in ('returned', 'recalled'))
      and decide_by >= %(start)s and decide_by < %(now)s
      and owed(decide_by, decided_at, 'decide', state, coalesce(returned_at, recalled_at),
               standing, paused_at)
      and (%(agency)s::text is null or agency = %(agency)s)
    order by due_at desc, id
    limit %(limit)s
)
select delivery.referral, referral.reference, delivery.id as delivery, delivery.agency,
       late.milestone, late.due_at,
       coalesce(late.met_at, delivery.returned_at, delivery.recalled_at) as ended_at,
       late.met_at, delivery.state, delivery.clock_start, delivery.available_at,
       delivery.collected_at, delivery.acknowledged_at, delivery.replaces is not null as sent_on,
       delivery.refused_because, referral.effective_grade as grade,
       array(select distinct notice.organisation || ' (' || notice.contact || ')'
             from notice
             where notice.referral = delivery.referral and notice.delivery = delivery.id
               and notice.state = 'sent'
             order by 1) as told,
       corrected.cause as corrected_cause
from late
join delivery using (id)
join referral on referral.id = delivery.referral
left join lateral (
    select event.data ->> 'cause' as cause
    from event
    where event.referral = delivery.referral and event.delivery = delivery.id
      and event.kind = 'delivery.cause_corrected'
      and event.data ->> 'milestone' = late.milestone
    order by event.id desc
    limit 1
) corrected on true
order by late.due_at desc, delivery.id
