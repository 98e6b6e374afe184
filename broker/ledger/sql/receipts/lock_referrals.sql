-- Lock referrals in the order of their ids: whatever may close a referral locks it first.
select id
from referral
where id in (select referral from delivery where id = any(%(ids)s::uuid[]))
order by id
for no key update
