-- Forget sightings whose time has passed, a bounded number at a time.
delete from child_mark
where (mark, at, referral, child) in (
    select mark, at, referral, child
    from child_mark
    where at < %(before)s
    order by at
    limit %(limit)s
)
returning 1 as gone
