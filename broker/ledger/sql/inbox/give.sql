-- Write who deals with a delivery from now on: a member of the agency that has it.
insert into handler (id, delivery, at, member, given_by)
select %(id)s, delivery.id, %(now)s, member.id, %(by)s
from delivery join member on member.organisation = delivery.agency
where delivery.id = %(delivery)s and member.id = %(member)s and member.disabled_at is null
  and delivery.agency = %(agency)s
returning id
