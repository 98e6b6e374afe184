-- Somebody in ops sees to it: the ladder is climbed no further.
with standing as (
    select id, state from escalation where id = %(escalation)s and state = 'open' for no key update
),
changed as (
    update escalation
    set state = 'acknowledged', acknowledged_at = %(now)s, acknowledged_by = %(by)s,
        next_step_at = null
    from standing
    where escalation.id = standing.id and escalation.state = standing.state
    returning escalation.id, escalation.referral, escalation.delivery, escalation.organisation,
              escalation.milestone,
              case when escalation.delivery is not null then 'delivery'
                   when escalation.referral is not null then 'referral'
                   else 'organisation' end || '.escalation_acknowledged' as kind
),
kept as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, kind, %(by)s, referral, delivery, organisation, %(reason)s
    from changed
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, changed.kind, referral.publisher, changed.referral, changed.delivery,
       changed.organisation, %(by)s, jsonb_build_object('milestone', changed.milestone)
from changed left join referral on referral.id = changed.referral
returning id
