-- Record that a person looked at a held delivery and keeps it held. What the sweeper has released
-- meanwhile is not kept.
with kept as (
    select id, referral, agency
    from delivery
    where id = %(delivery)s and state = 'held'
      and (delivery.kind = 'recall'
           or (select stands(referral.*) from referral where referral.id = delivery.referral))
    for no key update
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select %(act)s, %(now)s, 'delivery.hold_kept', %(by)s, referral, id, agency, %(reason)s
    from kept
)
insert into event (at, kind, publisher, referral, delivery, agency, actor)
select %(now)s, 'delivery.hold_kept', referral.publisher, referral.id, kept.id, kept.agency, %(by)s
from kept
join referral on referral.id = kept.referral
returning delivery
