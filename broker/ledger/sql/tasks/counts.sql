-- How many tasks are open, and how many of them are overdue.
select count(*) as open, count(*) filter (where due_at < %(now)s) as overdue
from task
where state = 'open'
