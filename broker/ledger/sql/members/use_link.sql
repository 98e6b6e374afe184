-- Use a link, once, and begin a session in its place; not where people sign in with the provider.
with used as (
    update member_link set used_at = %(now)s
    where secret_sha256 = %(link_sha256)s and used_at is null and expires_at > %(now)s
    returning member
),
joined as (
    update member set joined_at = coalesce(joined_at, %(now)s)
    from used
    where member.id = used.member and member.disabled_at is null
      and not exists (select from member_sign_in way
                      where way.organisation = member.organisation and way.with_provider)
    returning member.id
)
insert into member_session (secret_sha256, member, began_at, seen_at, expires_at)
select %(secret_sha256)s, id, %(now)s, %(now)s, %(expires_at)s
from joined
returning member
