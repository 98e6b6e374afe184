-- Write the alarms that fired, each once, with its event; a breach starts its escalation. An alarm
-- that fired before is not returned and starts nothing: the primary key lets it in once.
with planned as (
    select *
    from unnest(%(referrals)b::uuid[], %(deliveries)b::uuid[], %(publishers)b::text[],
                %(agencies)b::text[], %(milestones)b::text[], %(percents)b::int[],
                %(planned)b::timestamptz[], %(due)b::timestamptz[], %(escalations)b::uuid[],
                %(owners)b::text[], %(ladders)b::text[], %(policies)b::text[],
                %(steps)b::timestamptz[], %(tasks)b::uuid[], %(began)b::timestamptz[])
        with ordinality
        as row (referral, delivery, publisher, agency, milestone, percent, planned_at, due_at,
                escalation, owner, ladder, policy_version, next_step_at, task, began_at, place)
),
fired as (
    insert into alarm (subject, milestone, percent, planned_at, due_at, fired_at, referral, delivery,
                       task)
    select coalesce(task, delivery, referral), milestone, percent, planned_at, due_at, %(now)s,
           referral, delivery, task
    from planned
    on conflict do nothing
    returning subject, milestone, percent, planned_at
),
fresh as (
    select planned.*
    from planned
    join fired on fired.subject = coalesce(planned.task, planned.delivery, planned.referral)
        and fired.milestone = planned.milestone and fired.percent = planned.percent
        and fired.planned_at = planned.planned_at
),
begun as (
    insert into escalation (id, ladder, policy_version, milestone, referral, delivery,
                            organisation, due_at, began_at, next_step_at, task)
    select escalation, ladder, policy_version, milestone, referral, delivery, owner, due_at,
           began_at, next_step_at, task
    from fresh
    where escalation is not null
    on conflict do nothing
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s,
           case when delivery is not null then 'delivery.'
                when referral is not null then 'referral.' else 'organisation.' end
               || case when percent = 100 then 'breached' else 'warned' end,
           publisher, referral, delivery, agency, 'broker',
           jsonb_build_object('milestone', milestone, 'percent', percent, 'due_at', due_at)
               || case when task is null then '{}'::jsonb else jsonb_build_object('task', task) end
    from fresh
    order by place
)
select place from fresh order by place
