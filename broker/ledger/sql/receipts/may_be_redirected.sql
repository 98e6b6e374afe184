-- Only a returned or undeliverable delivery is redirected, and only once.
select id
from delivery
where id = %(delivery)s and kind = 'referral' and state in ('returned', 'undeliverable')
  and sent_on_at is null
  and (select stands(referral.*) from referral where referral.id = delivery.referral)
for no key update
