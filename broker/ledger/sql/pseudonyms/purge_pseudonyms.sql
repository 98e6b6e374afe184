-- Delete occurrences whose retention period has ended, a bounded number at a time. A row is never
-- updated, so its ctid stays valid.
delete from child_mark
where ctid = any(array(
    select ctid from child_mark where at < %(before)s order by at limit %(limit)s
))
returning 1 as gone
