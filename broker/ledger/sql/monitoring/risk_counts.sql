-- How much is late, and how much will be within a time; and how far the history has come.
with work as (
    select least(case when collected_at is null
                      then running(collect_by, 'collect', standing, paused_at) end,
                 case when acknowledged_at is null
                      then running(acknowledge_by, 'acknowledge', standing, paused_at) end,
                 running(decide_by, 'decide', standing, paused_at)) as due_at
    from delivery
    where state in ('available', 'leased', 'collected', 'acknowledged', 'undeliverable')
      and not (kind = 'correction' and state = 'acknowledged')
    union all
    select attend_by from referral where state = 'unroutable'
)
select count(*) filter (where due_at < %(now)s) as breached,
       count(*) filter (where due_at >= %(now)s
                        and due_at < %(now)s::timestamptz + %(within)s::interval) as due_soon,
       (select coalesce(max(id), 0) from event) as last_event
from work
