-- Lock the deliveries of a referral in the order of their ids. The recall is the next statement, so it
-- sees what the holder before it has made of them.
select id
from delivery
where referral = %(referral)s::uuid
order by id
for no key update
