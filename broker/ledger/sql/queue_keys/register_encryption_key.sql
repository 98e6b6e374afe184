-- Register a key that an agency's copies are encrypted to; one that is registered stays whose it was.
insert into encryption_key (id, organisation, public_key, created_at)
values (%(id)s, %(organisation)s, %(public_key)s, %(now)s)
on conflict (id) do nothing
returning id
