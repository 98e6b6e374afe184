-- For each of these organisations the newest key in use that copies are encrypted to.
select distinct on (organisation) id, organisation, public_key, created_at, revoked_at
from encryption_key
where organisation = any(%(organisations)s::text[])
  and (revoked_at is null or revoked_at > %(now)s)
order by organisation, created_at desc, id
