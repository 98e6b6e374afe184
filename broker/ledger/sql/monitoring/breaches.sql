-- Missed deadlines: those that are still not met however old they are, and those that fell into a
-- window; latest first, with how many there are, what their cause follows from and who was notified.
-- What is open is read whole, and of the history only what was late.
with late as (
    select delivery.referral, delivery.id as delivery, delivery.agency, step.milestone,
           step.due_at, step.met_at, null::timestamptz as ended_at
    from delivery
    cross join lateral (values ('collect', collect_by, collected_at),
                               ('acknowledge', acknowledge_by, acknowledged_at),
                               ('decide', decide_by, decided_at))
        as step (milestone, due_at, met_at)
    -- The next deadline first, which most of what is open has still ahead.
    where is_open(delivery) and next_deadline(delivery) < %(now)s
      and unmet_deadline(delivery, step.milestone) < %(now)s
      and (%(agency)s::text is null or agency = %(agency)s)
    union all
    select referral, id, agency, 'collect', collect_by, collected_at,
           coalesce(collected_at, returned_at, recalled_at)
    from delivery
    where (collected_at > collect_by or collected_at is null and state in ('returned', 'recalled', 'handed_over'))
      and collect_by >= %(start)s and collect_by < %(now)s
      and owed(collect_by, collected_at, 'collect', state, coalesce(returned_at, recalled_at),
               standing, paused_at)
      and (%(agency)s::text is null or agency = %(agency)s)
    union all
    select referral, id, agency, 'acknowledge', acknowledge_by, acknowledged_at,
           coalesce(acknowledged_at, returned_at, recalled_at)
    from delivery
    where (acknowledged_at > acknowledge_by
           or acknowledged_at is null and state in ('returned', 'recalled', 'handed_over'))
      and acknowledge_by >= %(start)s and acknowledge_by < %(now)s
      and owed(acknowledge_by, acknowledged_at, 'acknowledge', state,
               coalesce(returned_at, recalled_at), standing, paused_at)
      and (%(agency)s::text is null or agency = %(agency)s)
    union all
    select referral, id, agency, 'decide', decide_by, decided_at,
           coalesce(decided_at, returned_at, recalled_at)
    from delivery
    where (decided_at > decide_by or decided_at is null and state in ('returned', 'recalled', 'handed_over'))
      and decide_by >= %(start)s and decide_by < %(now)s
      and owed(decide_by, decided_at, 'decide', state, coalesce(returned_at, recalled_at),
               standing, paused_at)
      and (%(agency)s::text is null or agency = %(agency)s)
    union all
    select id, null, null, 'attend', attend_by, null, null
    from referral
    where state = 'unroutable' and attend_by < %(now)s and %(agency)s::text is null
),
latest as (
    select *, count(*) over () as total,
           count(*) filter (where ended_at is null) over () as lasting
    from late
    order by due_at desc, referral, delivery, milestone
    limit %(limit)s
)
select latest.referral, referral.reference, latest.delivery, latest.agency, latest.milestone,
       latest.due_at, latest.ended_at, latest.met_at, latest.total, latest.lasting,
       coalesce(delivery.state, referral.state) as state,
       coalesce(delivery.clock_start, referral.accepted_at) as clock_start,
       delivery.available_at, delivery.collected_at, delivery.acknowledged_at,
       delivery.replaces is not null as sent_on, referral.effective_grade as grade,
       notified.contacts, notified.at as notified_at,
       corrected.cause as corrected_cause
from latest
join referral on referral.id = latest.referral
left join delivery on delivery.id = latest.delivery
cross join lateral (
    select array_agg(contact order by at, contact) as contacts,
           array_agg(at order by at, contact) as at
    from (
        select notice.organisation || ' (' || notice.contact || ')' as contact,
               min(notice.ended_at) as at
        from notice
        join escalation on escalation.id = notice.escalation
        where notice.referral = latest.referral and notice.state = 'sent'
          and escalation.delivery is not distinct from latest.delivery
          and escalation.milestone = latest.milestone
        group by 1
    ) as sent
) notified
left join lateral (
    select event.data ->> 'cause' as cause
    from event
    where event.referral = latest.referral and event.delivery = latest.delivery
      and event.kind = 'delivery.cause_corrected'
      and event.data ->> 'milestone' = latest.milestone
    order by event.id desc
    limit 1
) corrected on true
order by latest.due_at desc, latest.referral, latest.delivery, latest.milestone
