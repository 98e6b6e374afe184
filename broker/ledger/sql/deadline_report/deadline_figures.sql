-- Deadline figures of the referrals that were accepted in a stretch of time, as a whole and by grade,
-- effective grade, agency, force and hour of day (Europe/London). docs/reports.md defines each one.
-- Percentiles are exact: the smallest value that at least so many of all do not exceed.
with counted as materialized (
    select id, publisher, grade, effective_grade, state, accepted_at,
           accepted_at - first_known_at as first_known_to_accepted,
           to_char(accepted_at at time zone 'Europe/London', 'HH24') as hour
    from referral
    where accepted_at >= %(since)s and accepted_at < %(until)s
),
leg as materialized (
    select counted.id, counted.grade, counted.effective_grade, counted.publisher, counted.hour,
           delivery.agency, delivery.state,
           -- A hand-over puts a delivery in another's place too, and redirects nothing.
           exists (select from delivery before
                   where before.id = delivery.replaces
                     and before.state in ('returned', 'recalled')) as is_sent_on,
           case when delivery.state <> 'held'
                 and (delivery.state <> 'recalled' or collected_at is not null)
                then available_at - began_at end as accepted_to_available,
           collected_at - available_at as available_to_collected,
           acknowledged_at - collected_at as collected_to_acknowledged,
           decided_at - acknowledged_at as acknowledged_to_decided,
           acknowledged_at - began_at as accepted_to_acknowledged,
           decided_at - began_at as accepted_to_decided,
           deadline_verdict(collect_by, collected_at, ended_at,
                            case when 'collect' = any(standing) then paused_at else %(now)s end)
               as collect,
           deadline_verdict(acknowledge_by, acknowledged_at, ended_at,
                            case when 'acknowledge' = any(standing) then paused_at else %(now)s end)
               as acknowledge,
           deadline_verdict(decide_by, decided_at, ended_at,
                            case when 'decide' = any(standing) then paused_at else %(now)s end)
               as decide
    from counted
    join delivery on delivery.referral = counted.id
    cross join lateral (
        select greatest(accepted_at, clock_start) as began_at,
               case delivery.state when 'returned' then returned_at
                                   when 'handed_over' then returned_at
                                   when 'recalled' then '-infinity'::timestamptz end as ended_at
    ) as clock
),
of_referrals as (
    select case when grouping(grade) = 0 then 'grade'
                when grouping(effective_grade) = 0 then 'effective_grade'
                when grouping(publisher) = 0 then 'force'
                when grouping(hour) = 0 then 'hour'
                else 'all' end as by,
           coalesce(grade, effective_grade, publisher, hour, '') as of,
           count(*) as referrals,
           count(*) filter (where state = 'accepted') as unrouted,
           count(*) filter (where state = 'rejected') as rejected,
           count(*) filter (where state = 'unroutable') as unroutable,
           count(first_known_to_accepted) as first_known_to_accepted_count,
           percentile_disc(array[0.5, 0.9]) within group (order by first_known_to_accepted)
               as first_known_to_accepted
    from counted
    group by grouping sets ((), (grade), (effective_grade), (publisher), (hour))
    union all
    select 'agency', agency,
           count(*) as referrals,
           count(*) filter (where state = 'accepted') as unrouted,
           count(*) filter (where state = 'rejected') as rejected,
           count(*) filter (where state = 'unroutable') as unroutable,
           count(first_known_to_accepted) as first_known_to_accepted_count,
           percentile_disc(array[0.5, 0.9]) within group (order by first_known_to_accepted)
               as first_known_to_accepted
    from (select distinct id, agency from leg) as concerned join counted using (id)
    group by agency
),
of_legs as (
    select case when grouping(grade) = 0 then 'grade'
                when grouping(effective_grade) = 0 then 'effective_grade'
                when grouping(agency) = 0 then 'agency'
                when grouping(publisher) = 0 then 'force'
                when grouping(hour) = 0 then 'hour'
                else 'all' end as by,
           coalesce(grade, effective_grade, agency, publisher, hour, '') as of,
           count(*) as legs,
           count(*) filter (where state = 'held') as held,
           count(*) filter (where state = 'undeliverable') as undeliverable,
           count(*) filter (where state = 'returned') as returned,
           count(*) filter (where state = 'recalled') as recalled,
           count(*) filter (where is_sent_on) as sent_on,
           count(accepted_to_available) as accepted_to_available_count,
           percentile_disc(array[0.5, 0.9]) within group (order by accepted_to_available)
               as accepted_to_available,
           count(available_to_collected) as available_to_collected_count,
           percentile_disc(array[0.5, 0.9]) within group (order by available_to_collected)
               as available_to_collected,
           count(collected_to_acknowledged) as collected_to_acknowledged_count,
           percentile_disc(array[0.5, 0.9]) within group (order by collected_to_acknowledged)
               as collected_to_acknowledged,
           count(acknowledged_to_decided) as acknowledged_to_decided_count,
           percentile_disc(array[0.5, 0.9]) within group (order by acknowledged_to_decided)
               as acknowledged_to_decided,
           count(accepted_to_acknowledged) as accepted_to_acknowledged_count,
           percentile_disc(array[0.5, 0.9]) within group (order by accepted_to_acknowledged)
               as accepted_to_acknowledged,
           count(accepted_to_decided) as accepted_to_decided_count,
           percentile_disc(array[0.5, 0.9]) within group (order by accepted_to_decided)
               as accepted_to_decided,
           count(*) filter (where collect = 'in_time') as collect_in_time,
           count(*) filter (where collect = 'late') as collect_late,
           count(*) filter (where collect = 'open') as collect_open,
           count(*) filter (where collect = 'overdue') as collect_overdue,
           count(*) filter (where collect = 'ended') as collect_ended,
           count(*) filter (where collect = 'without') as collect_without,
           count(*) filter (where acknowledge = 'in_time') as acknowledge_in_time,
           count(*) filter (where acknowledge = 'late') as acknowledge_late,
           count(*) filter (where acknowledge = 'open') as acknowledge_open,
           count(*) filter (where acknowledge = 'overdue') as acknowledge_overdue,
           count(*) filter (where acknowledge = 'ended') as acknowledge_ended,
           count(*) filter (where acknowledge = 'without') as acknowledge_without,
           count(*) filter (where decide = 'in_time') as decide_in_time,
           count(*) filter (where decide = 'late') as decide_late,
           count(*) filter (where decide = 'open') as decide_open,
           count(*) filter (where decide = 'overdue') as decide_overdue,
           count(*) filter (where decide = 'ended') as decide_ended,
           count(*) filter (where decide = 'without') as decide_without
    from leg
    group by grouping sets ((), (grade), (effective_grade), (agency), (publisher), (hour))
)
select *
from of_referrals full join of_legs using (by, of)
