-- Every agency's open deliveries in counts and instants, the nearest deadline first. None counts as
-- claimable while delivery to its agency is suspended.
select agency,
       count(*) as open,
       count(*) filter (where state = 'held') as held,
       count(*) filter (where state = 'available') as available,
       count(*) filter (where state = 'leased') as leased,
       count(*) filter (where state = 'collected') as collected,
       count(*) filter (where state = 'acknowledged') as acknowledged,
       count(*) filter (where state = 'undeliverable') as undeliverable,
       count(*) filter (where state = 'available' and not is_claimable(delivery, %(now)s)) as parked,
       count(*) filter (where paused_milestones(delivery) <> '{}') as paused,
       count(*) filter (where is_late(delivery, %(now)s)) as overdue,
       case when agency not in (select organisation from suspension)
            then min(available_at) filter (where is_claimable(delivery, %(now)s)) end
           as oldest_claimable_at,
       min(clock_start) filter (where acknowledged_at is null and state <> 'held')
           as oldest_unacknowledged_at,
       min(next_deadline(delivery)) filter (where state <> 'held') as next_due_at
from delivery
where is_open(delivery) and (%(agency)s::text is null or agency = %(agency)s)
group by agency
order by next_due_at nulls last, agency
