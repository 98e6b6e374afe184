-- Every agency's open deliveries in counts and instants; a correction is done once it is
-- acknowledged. A delivery is claimable when its agency,
-- or its channel, could take it now: not leased, not held, no retry is being waited for, and
-- delivery to its agency is not paused.
select agency,
       count(*) as open,
       count(*) filter (where state = 'held') as held,
       count(*) filter (where state = 'available') as available,
       count(*) filter (where state = 'leased') as leased,
       count(*) filter (where state = 'collected') as collected,
       count(*) filter (where state = 'acknowledged') as acknowledged,
       count(*) filter (where state = 'undeliverable') as undeliverable,
       count(*) filter (where state = 'available' and next_attempt_at > %(now)s) as parked,
       count(*) filter (where paused_at is not null) as paused,
       count(*) filter (where state <> 'held'
                        and (collected_at is null
                             and running(collect_by, 'collect', standing, paused_at) < %(now)s
                             or acknowledged_at is null
                             and running(acknowledge_by, 'acknowledge', standing, paused_at) < %(now)s
                             or running(decide_by, 'decide', standing, paused_at) < %(now)s)) as overdue,
       min(available_at) filter (where state = 'available'
                                 and (next_attempt_at is null or next_attempt_at <= %(now)s)
                                 and agency not in (select organisation from stop
                                                    where ended_at is null))
           as oldest_claimable_at,
       min(clock_start) filter (where acknowledged_at is null and state <> 'held')
           as oldest_unacknowledged_at
from delivery
where state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable')
  and not (kind = 'correction' and state = 'acknowledged')
  and (%(agency)s::text is null or agency = %(agency)s)
group by agency
