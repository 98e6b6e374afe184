-- Credentials by id or by organisation, or all of them.
select id, organisation, scopes, secret_sha256, label, created_at, expires_at, revoked_at,
       last_used_at, calls_per_second
from credential
where (%(id)s::text is null or id = %(id)s)
  and (%(organisation)s::text is null or organisation = %(organisation)s)
order by organisation, created_at, id
