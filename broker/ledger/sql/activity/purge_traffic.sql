-- Delete the counts of hours long past, a bounded number at a time.
delete from traffic
where ctid = any(array(
    select ctid
    from traffic
    where activity in ('sent', 'polled', 'collected', 'answered') and hour < %(before)s
    limit %(limit)s
))
returning 1 as gone
