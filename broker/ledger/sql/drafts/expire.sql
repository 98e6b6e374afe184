-- End drafts that nobody has saved for too long, and erase their content. What somebody saves at
-- this moment is locked, and is skipped: it no longer expires.
update draft
set body = null, ended_at = %(now)s, ended_because = 'expired'
where id in (
    select id from draft
    where ended_at is null and expires_at <= %(now)s
    order by expires_at
    limit %(limit)s
    for update skip locked
)
returning id
