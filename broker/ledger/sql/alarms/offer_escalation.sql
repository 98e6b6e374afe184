-- Ask somebody to take an escalation over; the person who deals with it does so until then. Only that
-- person may ask: in another state, or with somebody else, nothing is changed.
with offered as (
    update escalation
    set offered_to = %(to)s, offered_at = %(now)s
    where id = %(id)s and state = 'acknowledged' and acknowledged_by = %(owner)s
      and offered_to is distinct from %(to)s
    returning id, referral, delivery, task, organisation, milestone, step,
              case when delivery is not null then 'delivery'
                   when referral is not null then 'referral'
                   else 'organisation' end || '.escalation_offered' as kind
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, kind, %(by)s, referral, delivery, organisation, %(reason)s
    from offered
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, offered.kind, coalesce(referral.publisher, task.publisher), offered.referral,
       offered.delivery, offered.organisation, %(by)s,
       jsonb_build_object('escalation', offered.id, 'milestone', offered.milestone,
                          'step', offered.step)
from offered
left join referral on referral.id = offered.referral
left join task on task.id = offered.task
returning id
