-- A publisher's numbered events after a number.
select %(epoch)s::text || '-' || feed.number as cursor, event.at, event.kind, event.referral,
       referral.reference, event.delivery, event.agency, event.actor, event.data
from feed
join event on event.id = feed.event
left join referral on referral.id = event.referral
where feed.publisher = %(publisher)s and feed.number > %(last)s::bigint
order by feed.number
limit %(limit)s
