-- How much is late, and how much will be within a time; and how far the history has come.
with work as (
    select next_deadline(delivery) as due_at
    from delivery
    where is_open(delivery) and state <> 'held'
    union all
    select attend_by from referral where state = 'unroutable'
)
select count(*) filter (where due_at < %(now)s) as breached,
       count(*) filter (where due_at >= %(now)s
                        and due_at < %(now)s::timestamptz + %(within)s::interval) as due_soon,
       (select coalesce(max(id), 0) from event) as last_event
from work
