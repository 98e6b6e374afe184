-- Keep that somebody sends a draft from now on, as it was at a revision; nobody saves it meanwhile, and
-- it does not expire. No row where somebody has saved it since, or it has ended. What was cut off may be sent again at once.
update draft
set revision = revision + 1, sending_at = %(now)s,
    expires_at = greatest(expires_at, %(now)s::timestamptz + %(sending_for)s::interval)
where id = %(id)s and publisher = %(publisher)s and ended_at is null and revision = %(revision)s
returning revision
