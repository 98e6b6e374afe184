-- Lock a publisher's referral. Its columns are read by the next statement, because this one sees the
-- other tables as they were before it waited.
select id
from referral
where id = %(referral)s::uuid and publisher = %(publisher)s::text
for no key update
