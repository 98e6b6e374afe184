-- The person who is signed in with this secret, and until when.
select person.name, person.rights, session.expires_at
from session join person on person.id = session.person
where session.secret_sha256 = %(secret_sha256)s and session.ended_at is null
  and session.expires_at > %(now)s and person.disabled_at is null
