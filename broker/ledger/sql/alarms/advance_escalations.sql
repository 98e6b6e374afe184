-- Write the steps that were taken, each from the step before it, with its event.
with taken as (
    select *
    from unnest(%(ids)b::uuid[], %(before)b::int[], %(after)b::int[], %(next)b::timestamptz[],
                %(publishers)b::text[], %(data)b::text[])
        as row (id, before, after, next_step_at, publisher, data)
),
advanced as (
    update escalation
    set step = taken.after, next_step_at = taken.next_step_at
    from taken
    where escalation.id = taken.id and escalation.state = 'open' and escalation.step = taken.before
    returning escalation.id, escalation.referral, escalation.delivery, escalation.organisation,
              escalation.milestone, escalation.due_at, taken.publisher, taken.data
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s,
           case when delivery is not null then 'delivery.escalated'
                when referral is not null then 'referral.escalated'
                else 'organisation.escalated' end,
           publisher, referral, delivery, organisation, 'broker',
           data::jsonb || jsonb_build_object('escalation', id, 'milestone', milestone,
                                             'due_at', due_at)
    from advanced
)
select id from advanced
