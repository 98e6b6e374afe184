-- Begin a session for a person whom a provider has identified, once for each of its answers.
insert into session (secret_sha256, person, answer_sha256, began_at, seen_at, expires_at)
select %(secret_sha256)s, id, %(answer_sha256)s, %(now)s, %(now)s, %(expires_at)s
from person
where subject = %(subject)s and disabled_at is null
on conflict (answer_sha256) do nothing
returning person
