-- Register an agency's public key; one that is registered stays whose it was.
insert into agency_key (id, organisation, public_key, created_at)
values (%(id)s, %(organisation)s, %(public_key)s, %(now)s)
on conflict (id) do nothing
returning id
