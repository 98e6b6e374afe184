-- What was returned or handed over has a successor now, so ops need not deal with it.
update delivery
set sent_on_at = %(now)s
where id = any(%(ids)s::uuid[]) and state = 'returned'
  and (delivery.kind = 'recall'
           or (select stands(referral.*) from referral where referral.id = delivery.referral))
