-- Whose link this is, while it can be used.
select person.name
from sign_in_link link join person on person.id = link.person
where link.secret_sha256 = %(secret_sha256)s and link.used_at is null
  and link.expires_at > %(now)s and person.disabled_at is null
