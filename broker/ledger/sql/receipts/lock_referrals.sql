-- Everybody who may close a referral locks it first, in the order of the ids.
select id
from referral
where id in (select referral from delivery where id = any(%(ids)s::uuid[]))
order by id
for no key update
