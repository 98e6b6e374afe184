-- Note that the queue of receipts is empty, and forget messages too old to be taken again.
with forgotten as (
    delete from receipt_message where signed_at < %(forget_before)s
)
insert into receipts_drained (at) values (%(at)s)
on conflict (single) do update set at = greatest(receipts_drained.at, excluded.at)
