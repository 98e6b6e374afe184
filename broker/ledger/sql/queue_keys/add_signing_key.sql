-- Publish a key of the broker's own; nothing happens when it is published already.
insert into signing_key (id, public_key, created_at)
values (%(id)s, %(public_key)s, %(now)s)
on conflict (id) do nothing
returning id
