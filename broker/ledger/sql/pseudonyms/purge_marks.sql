-- Forget sightings whose time has passed, a bounded number at a time; a row is never updated, so
-- that its place stays its own.
delete from child_mark
where ctid = any(array(
    select ctid from child_mark where at < %(before)s order by at limit %(limit)s
))
returning 1 as gone
