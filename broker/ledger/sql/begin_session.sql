-- Begin a session for somebody whom a provider has vouched for.
insert into session (secret_sha256, person, began_at, seen_at, expires_at)
select %(secret_sha256)s, id, %(now)s, %(now)s, %(expires_at)s
from person
where subject = %(subject)s and disabled_at is null
returning person
