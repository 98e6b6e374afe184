-- Only what came back or cannot be delivered is sent on, and only once.
select id
from delivery
where id = %(delivery)s and kind = 'referral' and state in ('returned', 'undeliverable')
  and not exists (select from delivery successor where successor.replaces = delivery.id)
for no key update
