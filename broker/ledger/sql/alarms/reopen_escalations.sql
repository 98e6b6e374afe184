-- Alert people again about escalations that somebody dealt with for a time that is over: the step that
-- was postponed is due at once, and where every step had been taken, the last one again. What another
-- worker holds is left to it; what has ended meanwhile is in another state.
with due as (
    select id
    from escalation
    where state = 'acknowledged' and taken_until <= %(now)s
    order by taken_until, id
    limit %(limit)s
    for no key update skip locked
),
reopened as (
    update escalation
    set state = 'open', next_step_at = %(now)s,
        step = case when postponed_step_at is null then greatest(step - 1, 0) else step end,
        acknowledged_at = null, acknowledged_by = null, taken_until = null,
        postponed_step_at = null, offered_to = null, offered_at = null
    from due
    where escalation.id = due.id and escalation.state = 'acknowledged'
    returning escalation.*
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s,
       case when reopened.delivery is not null then 'delivery'
            when reopened.referral is not null then 'referral'
            else 'organisation' end || '.escalation_reopened',
       coalesce(referral.publisher, task.publisher), reopened.referral, reopened.delivery,
       reopened.organisation, 'broker',
       jsonb_build_object('escalation', reopened.id, 'milestone', reopened.milestone,
                          'step', reopened.step, 'because', 'time_over')
from reopened
left join referral on referral.id = reopened.referral
left join task on task.id = reopened.task
order by reopened.id
returning id
