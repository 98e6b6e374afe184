-- How much is open, how much of it is late, and how much will be within a time; and how far the
-- history has come. A referral that is not routed counts too: see the view unrouted.
with work as (
    select next_deadline(delivery) as due_at, state = 'held' as is_held
    from delivery
    where is_open(delivery)
    union all
    select attend_by, false from referral where state = 'unroutable'
    union all
    -- What was accepted a moment ago is open; it is at risk once routing takes unusually long.
    select case when accepted_at < %(now)s::timestamptz - interval '10 seconds' then due_at end,
           false
    from unrouted
)
select count(*) as open,
       count(*) filter (where not is_held and due_at < %(now)s) as breached,
       count(*) filter (where not is_held and due_at >= %(now)s
                        and due_at < %(now)s::timestamptz + %(within)s::interval) as due_soon,
       (select count(*) from unrouted) as unrouted,
       (select coalesce(max(id), 0) from event) as last_event
from work
