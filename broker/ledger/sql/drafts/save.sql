-- Save the content of a draft. No row where somebody else has saved it since this revision, is sending
-- it, or it has ended: the row is locked while it is written, so of two only the first saves.
update draft
set body = %(body)s, revision = revision + 1, saved_at = %(now)s, saved_by = %(member)s,
    expires_at = %(expires_at)s, last_number = greatest(last_number, %(number)s), sending_at = null
where id = %(id)s and publisher = %(publisher)s and ended_at is null and revision = %(revision)s
  and (sending_at is null or sending_at < %(now)s::timestamptz - %(sending_for)s::interval)
returning revision
