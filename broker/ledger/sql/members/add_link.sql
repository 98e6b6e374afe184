-- Store a one-time link; of its secret only the digest. A member gets so many in an hour at most: they
-- are counted in the member's row, whose lock lets one request after the other count.
with counted as (
    update member
    set links = case when links_since > %(now)s::timestamptz - interval '1 hour' then links + 1
                     else 1 end,
        links_since = case when links_since > %(now)s::timestamptz - interval '1 hour'
                           then links_since else %(now)s end
    where id = %(member)s and disabled_at is null
      and (links_since is null or links_since <= %(now)s::timestamptz - interval '1 hour'
           or links < %(most)s)
    returning id
)
insert into member_link (secret_sha256, member, created_at, expires_at)
select %(secret_sha256)s, id, %(now)s, %(expires_at)s
from counted
returning member
