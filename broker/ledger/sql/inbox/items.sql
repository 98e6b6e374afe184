-- What an agency has to do, soonest due first: all of it, or what a member deals with or covers for,
-- what nobody has read, what is of one kind or grade.
select id, referral, reference, publisher, kind, state, role, grade, available_at, due_at, milestone,
       is_acknowledged, is_paused, is_to_do, is_read, handler, handler_name, handled_at,
       handler_cover
from inbox_item
where agency = %(agency)s and is_to_do
  and (%(mine)s::uuid is null or %(mine)s in (handler, handler_cover))
  and (not %(unread)s or not is_read)
  and (%(kind)s::text is null or kind = %(kind)s)
  and (%(grade)s::text is null or grade = %(grade)s)
order by due_at nulls last, id
limit %(limit)s offset %(offset)s
