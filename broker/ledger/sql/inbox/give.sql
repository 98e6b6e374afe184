-- Write who deals with a delivery from now on: a member of the agency that may see it.
insert into handler (id, delivery, at, member, given_by)
select %(id)s, item.id, %(now)s, member.id, %(by)s
from inbox_delivery item join member on member.organisation = item.agency
where item.id = %(delivery)s and member.id = %(member)s and member.disabled_at is null
  and item.agency = %(agency)s
returning id
