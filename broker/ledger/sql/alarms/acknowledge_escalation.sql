-- A person sees to it: nobody further up is told. The first one counts.
with acknowledged as (
    update escalation
    set state = 'acknowledged', acknowledged_at = %(now)s, acknowledged_by = %(by)s,
        next_step_at = null
    where id = %(id)s and state = 'open'
      and (%(whose)s::text is null or organisation = %(whose)s
           or exists (select from referral
                      where referral.id = escalation.referral and referral.publisher = %(whose)s))
    returning id, referral, delivery, organisation, milestone, step
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s,
       case when acknowledged.delivery is not null then 'delivery.escalation_acknowledged'
            when acknowledged.referral is not null then 'referral.escalation_acknowledged'
            else 'organisation.escalation_acknowledged' end,
       referral.publisher, acknowledged.referral, acknowledged.delivery,
       acknowledged.organisation, %(actor)s,
       jsonb_build_object('escalation', acknowledged.id, 'milestone', acknowledged.milestone,
                          'step', acknowledged.step)
from acknowledged left join referral on referral.id = acknowledged.referral
