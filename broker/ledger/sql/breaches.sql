-- Deadlines that passed within a time and were not kept, latest first, with what tells their cause
-- and who was told. Found by the deadline, however long the history is.
with late as (
    select id, 'acknowledge' as milestone, acknowledge_by as due_at, acknowledged_at as met_at
    from delivery
    where (acknowledged_at is null or acknowledged_at > acknowledge_by)
      and (acknowledged_at is not null
           or running(acknowledge_by, 'acknowledge', standing, paused_at) is not null)
      and acknowledge_by >= %(start)s and acknowledge_by < %(now)s
      and (%(agency)s::text is null or agency = %(agency)s)
      and (state not in ('returned', 'recalled') or acknowledged_at is not null
           or coalesce(returned_at, recalled_at) is null
           or coalesce(returned_at, recalled_at) > acknowledge_by)
    union all
    select id, 'decide', decide_by, decided_at
    from delivery
    where (decided_at is null or decided_at > decide_by)
      and (decided_at is not null
           or running(decide_by, 'decide', standing, paused_at) is not null)
      and decide_by >= %(start)s and decide_by < %(now)s
      and (%(agency)s::text is null or agency = %(agency)s)
      and (state not in ('returned', 'recalled') or decided_at is not null
           or coalesce(returned_at, recalled_at) is null
           or coalesce(returned_at, recalled_at) > decide_by)
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
