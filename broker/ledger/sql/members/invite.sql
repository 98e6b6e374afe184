-- Invite somebody to an organisation's inbox, or invite a known address again, with these rights.
insert into member (id, organisation, name, email, rights, invited_at, invited_by)
values (%(id)s, %(organisation)s, %(name)s, %(email)s, %(rights)s, %(now)s, %(by)s)
on conflict (organisation, lower(email)) do update
set name = excluded.name, rights = excluded.rights, disabled_at = null
returning id
