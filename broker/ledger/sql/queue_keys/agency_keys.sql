-- Agencies' public keys, by id or by organisation, or all of them.
select id, organisation, public_key, created_at, revoked_at
from agency_key
where (%(id)s::text is null or id = %(id)s)
  and (%(organisation)s::text is null or organisation = %(organisation)s)
order by organisation, created_at, id
