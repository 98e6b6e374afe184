-- The deliveries of one referral for its timeline: what is late first, then what is open, then the
-- rest, each with its deadlines, pauses and alerts.
with part as (
    select delivery.*, row_number() over (order by delivery.id) as number,
           is_open(delivery) as open,
           coalesce(is_late(delivery, %(now)s), false) as late,
           next_deadline(delivery) as next_due_at,
           case when delivery.state in ('returned', 'handed_over', 'recalled')
                then coalesce(delivery.returned_at, delivery.recalled_at)
                when delivery.state = 'undeliverable' then delivery.undeliverable_at
           end as left_at
    from delivery
    where delivery.referral = %(referral)s
),
chosen as (
    select *
    from part
    order by not late, not open, next_due_at nulls last, id
    limit %(limit)s
),
begun as (
    select event.delivery, min(event.at) as at
    from event
    where event.referral = %(referral)s and event.delivery in (select id from chosen)
    group by 1
),
alert as (
    select notice.delivery,
           (array_agg(notice.ended_at order by notice.ended_at)
                filter (where notice.state = 'sent'))[1:20] as sent,
           (array_agg(notice.ended_at order by notice.ended_at)
                filter (where notice.state = 'failed'))[1:20] as failed
    from notice
    where notice.referral = %(referral)s and notice.escalation is not null
      and notice.delivery in (select id from chosen)
    group by 1
)
select chosen.number, chosen.id as delivery, chosen.agency, organisation.name, chosen.role,
       chosen.kind, chosen.version, chosen.state,
       least(begun.at, chosen.available_at) as made_at,
       nullif(chosen.available_at, %(never)s) as available_at, chosen.collected_at,
       chosen.acknowledged_at, chosen.decided_at, chosen.left_at as ended_at,
       chosen.open as is_open, chosen.late as is_late, deadlines.list as deadlines,
       pauses.list as pauses, coalesce(alert.sent, '{}') as alerts,
       coalesce(alert.failed, '{}') as failed_alerts
from chosen
join organisation on organisation.code = chosen.agency
left join begun on begun.delivery = chosen.id
left join alert on alert.delivery = chosen.id
cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_array(step.milestone, step.due_at, step.met_at,
               case when chosen.state = 'held' then 'held'
                    when step.met_at is null
                         and running(step.due_at, step.milestone, chosen.standing,
                                     chosen.paused_at) is null then 'paused'
                    else deadline_verdict(step.due_at, step.met_at,
                             case when chosen.state <> 'undeliverable' then chosen.left_at end,
                             %(now)s)
               end) order by step.place), '[]'::jsonb) as list
    from (values (1, 'collect', chosen.collect_by, chosen.collected_at),
                 (2, 'acknowledge', chosen.acknowledge_by, chosen.acknowledged_at),
                 (3, 'decide', chosen.decide_by, chosen.decided_at))
        as step (place, milestone, due_at, met_at)
    where step.due_at is not null
) deadlines
cross join lateral (
    select coalesce(jsonb_agg(jsonb_build_array(paused_at, resumed_at) order by paused_at),
                    '[]'::jsonb) as list
    from pause
    where pause.delivery = chosen.id
) pauses
order by chosen.number
