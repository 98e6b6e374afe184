-- Counts and ages of the queues in which something waits.
select agency,
       count(*) filter (where state = 'held') as held,
       count(*) filter (where state = 'available') as available,
       count(*) filter (where state = 'leased') as leased,
       count(*) filter (where state = 'collected') as collected,
       count(*) filter (where state = 'acknowledged') as acknowledged,
       count(*) filter (where state = 'undeliverable') as undeliverable,
       min(available_at) filter (where state = 'available') as oldest_claimable_at,
       min(available_at) filter (where state in ('available', 'leased', 'collected'))
           as oldest_unacknowledged_at,
       min(case when acknowledged_at is null then coalesce(acknowledge_by, decide_by)
                else decide_by end)
           filter (where state <> 'held') as next_due_at,
       count(*) filter (where state <> 'held'
                        and ((acknowledged_at is null and acknowledge_by < %(now)s)
                             or decide_by < %(now)s)) as overdue
from delivery
where state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable')
  and not (kind = 'correction' and state = 'acknowledged')
  and (%(agency)s::text is null or agency = %(agency)s)
group by agency
order by next_due_at nulls last, agency
