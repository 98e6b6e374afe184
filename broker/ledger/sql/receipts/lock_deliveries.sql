-- Lock the deliveries that receipts are about, in the order of their ids.
select id, referral, agency, kind, state, lease, collected_at, acknowledged_at, decided_at, returned_at,
       sent_on_at
from delivery
where id = any(%(ids)s::uuid[])
order by id
for no key update
