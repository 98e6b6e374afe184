-- Lock the referrals of which a part may change hands now and that nobody else holds, longest due
-- first. So neither a receipt nor a recall, which lock them as well, comes in between.
select id
from referral
where id in (select referral from delivery
             where hand_over_at <= %(now)s
             order by hand_over_at, id
             limit %(limit)s)
order by id
for no key update skip locked
