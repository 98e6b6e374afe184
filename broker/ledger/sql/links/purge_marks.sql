-- Delete marks that have not occurred since an instant, a bounded number at a time.
delete from link_mark
where mark = any(array(
    select mark from link_mark where at < %(before)s order by at limit %(limit)s
))
returning 1 as gone
