-- Stop an escalation for a time because a person has taken it on: the first one counts. The person who was
-- asked to take it over may do so, and the person who deals with it may do so for longer. An agency that
-- takes on an escalation about itself stops its own steps alone, once: the police and ops are alerted all
-- the same. Two who acknowledge at once wait for the row's lock; the later one finds it acknowledged and
-- changes nothing.
with standing as (
    select escalation.id, escalation.state, about.publisher,
           case when %(visible_to)s::text is null then 'ops'
                when about.publisher = %(visible_to)s then 'publisher'
                else 'agency' end as whose
    from escalation
    left join referral on referral.id = escalation.referral
    left join task on task.id = escalation.task
    cross join lateral (select coalesce(referral.publisher, task.publisher) as publisher) about
    where escalation.id = %(id)s
      and (escalation.state = 'open'
           or escalation.state = 'acknowledged' and %(visible_to)s::text is null
              and (escalation.offered_to = %(owner)s
                   or %(extends)s and escalation.acknowledged_by = %(owner)s))
      and (%(visible_to)s::text is null or escalation.organisation = %(visible_to)s
           or about.publisher = %(visible_to)s)
    for no key update of escalation
),
acknowledged as (
    update escalation
    set state = case when whose = 'agency' then escalation.state else 'acknowledged' end,
        acknowledged_at = case when whose <> 'agency' then %(now)s::timestamptz end,
        acknowledged_by = case when whose <> 'agency' then %(owner)s::text end,
        taken_until = case when whose <> 'agency' then %(until)s::timestamptz end,
        postponed_step_at = case when whose = 'agency' then null
                                 when escalation.state = 'open' then escalation.next_step_at
                                 else escalation.postponed_step_at end,
        next_step_at = case when whose = 'agency' then escalation.next_step_at end,
        offered_to = null,
        offered_at = null,
        own_acknowledged_at = case when whose = 'agency' then %(now)s::timestamptz
                                   else escalation.own_acknowledged_at end,
        own_acknowledged_by = case when whose = 'agency' then %(owner)s::text
                                   else escalation.own_acknowledged_by end,
        own_until = case when whose = 'agency' then %(own_until)s::timestamptz
                         else escalation.own_until end
    from standing
    where escalation.id = standing.id and escalation.state = standing.state
      and (whose <> 'agency' or escalation.own_until is null)
    returning escalation.id, escalation.referral, escalation.delivery, escalation.organisation,
              escalation.milestone, escalation.step, standing.whose, standing.publisher,
              case when whose = 'agency' then escalation.own_until
                   else escalation.taken_until end as until,
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
select %(now)s, acknowledged.kind, acknowledged.publisher, acknowledged.referral,
       acknowledged.delivery, acknowledged.organisation, %(by)s,
       jsonb_strip_nulls(jsonb_build_object('escalation', acknowledged.id,
                                            'milestone', acknowledged.milestone,
                                            'step', acknowledged.step,
                                            'whose', acknowledged.whose,
                                            'until', acknowledged.until))
from acknowledged
returning id
