-- How much an agency has to do, how much of it a member deals with or covers for, how much nobody has
-- read, how much is late, and what is due next.
select count(*) as todo,
       count(*) filter (where %(member)s in (handler, handler_cover)) as mine,
       count(*) filter (where not is_read) as unread,
       count(*) filter (where due_at < %(now)s) as late,
       min(due_at) filter (where due_at >= %(now)s) as next_due_at
from inbox_item
where agency = %(agency)s and is_to_do
