-- Who dealt with a delivery, newest first.
select handler.at, handler.member, member.name, handler.given_by, giver.name as given_by_name
from handler
join member on member.id = handler.member
join member giver on giver.id = handler.given_by
join delivery on delivery.id = handler.delivery
where handler.delivery = %(delivery)s and delivery.agency = %(agency)s
order by handler.id desc
limit %(limit)s
