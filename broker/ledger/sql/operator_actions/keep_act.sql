-- Record why a person did what another statement of this transaction has written into the history.
insert into act (id, at, kind, by, referral, delivery, organisation, reason)
select %(act)s, %(now)s, %(kind)s, %(by)s, referral.id, delivery.id, delivery.agency, %(reason)s
from referral
left join delivery on delivery.id = %(delivery)s::uuid
where referral.id = coalesce(%(referral)s::uuid, delivery.referral)
