-- Record what a person did about a referral, with the reason; the history gets the kind alone.
with subject as (
    select referral.id as referral, referral.publisher, delivery.id as delivery, delivery.agency
    from referral
    left join delivery on delivery.id = %(delivery)s::uuid and delivery.referral = referral.id
    where referral.id = coalesce(%(referral)s::uuid,
                                 (select referral from delivery where id = %(delivery)s::uuid))
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, %(kind)s, %(by)s, referral, delivery, agency, %(reason)s from subject
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, %(kind)s, publisher, referral, delivery, agency, %(by)s, %(data)s::jsonb
from subject
returning id
