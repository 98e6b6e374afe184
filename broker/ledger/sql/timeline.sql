-- Everything that happened to a referral, in order.
select event.transaction::text || '-' || event.id as cursor, event.at, event.kind, event.referral,
       referral.reference, event.delivery, event.agency, event.actor, event.data
from event join referral on referral.id = event.referral
where event.referral = %(referral)s
order by event.id
