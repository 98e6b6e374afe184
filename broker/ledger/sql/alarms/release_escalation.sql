-- Alert people again about an escalation that somebody deals with: the step that was postponed is due when
-- it was, and where none was postponed, the last one is due again at once. Ops alone do that. One whose
-- time is over meanwhile, or that has ended, is in another state and stays as it is.
with released as (
    update escalation
    set state = 'open', next_step_at = coalesce(postponed_step_at, %(now)s),
        step = case when postponed_step_at is null then greatest(step - 1, 0) else step end,
        acknowledged_at = null, acknowledged_by = null, taken_until = null,
        postponed_step_at = null, offered_to = null, offered_at = null
    where id = %(id)s and state = 'acknowledged'
    returning id, referral, delivery, task, organisation, milestone, step,
              case when delivery is not null then 'delivery'
                   when referral is not null then 'referral'
                   else 'organisation' end || '.escalation_reopened' as kind
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, kind, %(by)s, referral, delivery, organisation, %(reason)s
    from released
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, released.kind, coalesce(referral.publisher, task.publisher), released.referral,
       released.delivery, released.organisation, %(by)s,
       jsonb_build_object('escalation', released.id, 'milestone', released.milestone,
                          'step', released.step, 'because', 'released')
from released
left join referral on referral.id = released.referral
left join task on task.id = released.task
returning id
