-- The deliveries that receipts speak of, as they are and stay until the end of the transaction.
select id, referral, agency, kind, state, lease, collected_at, acknowledged_at, decided_at, returned_at
from delivery
where id = any(%(ids)s::uuid[])
order by id
for no key update
