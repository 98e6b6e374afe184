-- Note that a message of receipts was taken.
insert into receipt_message (key, id, signed_at)
values (%(key)s, %(id)s, %(signed_at)s)
on conflict (key, id) do nothing
