-- Write when these credentials were last used.
update credential
set last_used_at = %(now)s
where id = any(%(ids)s::text[]) and (last_used_at is null or last_used_at < %(now)s)
