-- Stop an escalation because a person has taken it on: the first one counts. Two who acknowledge at
-- once are told apart by the row's lock; the later one finds it acknowledged and changes nothing.
with standing as (
    select id, state
    from escalation
    where id = %(id)s and state = 'open'
      and (%(visible_to)s::text is null or organisation = %(visible_to)s
           or exists (select from referral
                      where referral.id = escalation.referral
                        and referral.publisher = %(visible_to)s))
    for no key update
),
acknowledged as (
    update escalation
    set state = 'acknowledged', acknowledged_at = %(now)s, acknowledged_by = %(owner)s,
        next_step_at = null
    from standing
    where escalation.id = standing.id and escalation.state = standing.state
    returning escalation.id, escalation.referral, escalation.delivery, escalation.organisation,
              escalation.milestone, escalation.step,
              case when escalation.delivery is not null then 'delivery'
                   when escalation.referral is not null then 'referral'
                   else 'organisation' end || '.escalation_acknowledged' as kind
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, kind, %(by)s, referral, delivery, organisation, %(reason)s
    from acknowledged
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, acknowledged.kind, referral.publisher, acknowledged.referral,
       acknowledged.delivery, acknowledged.organisation, %(by)s,
       jsonb_build_object('escalation', acknowledged.id, 'milestone', acknowledged.milestone,
                          'step', acknowledged.step)
from acknowledged left join referral on referral.id = acknowledged.referral
returning id
