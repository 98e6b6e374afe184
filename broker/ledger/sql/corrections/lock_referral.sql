-- A publisher's referral stays as it is until the end of the transaction. What it is, is read by
-- the next statement: this one sees the other tables as they were before it waited.
select id
from referral
where id = %(referral)s::uuid and publisher = %(publisher)s::text
for no key update
