-- Store a one-time link; of its secret only the digest. A member gets so many in an hour at most.
insert into member_link (secret_sha256, member, created_at, expires_at)
select %(secret_sha256)s, id, %(now)s, %(expires_at)s
from member
where id = %(member)s and disabled_at is null
  and (select count(*) from member_link
       where member_link.member = %(member)s
         and created_at > %(now)s::timestamptz - interval '1 hour') < %(most)s
returning member
