-- The keys that copies are encrypted to, of one organisation or of all.
select id, organisation, public_key, created_at, revoked_at
from encryption_key
where %(organisation)s::text is null or organisation = %(organisation)s
order by organisation, created_at, id
