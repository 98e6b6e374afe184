-- Note that a message of receipts is taken; nothing is returned when it was taken before. One that
-- another worker is taking is waited for.
insert into receipt_message (key, id, signed_at)
values (%(key)s, %(id)s, %(signed_at)s)
on conflict (key, id) do nothing
returning key
