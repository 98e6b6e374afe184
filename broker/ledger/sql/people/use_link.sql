-- Use a link, once, and begin a session in its place.
with used as (
    update sign_in_link
    set used_at = %(now)s
    where secret_sha256 = %(link_sha256)s and used_at is null and expires_at > %(now)s
    returning person
)
insert into session (secret_sha256, person, began_at, seen_at, expires_at)
select %(secret_sha256)s, person.id, %(now)s, %(now)s, %(expires_at)s
from used join person on person.id = used.person
where person.disabled_at is null
returning person
