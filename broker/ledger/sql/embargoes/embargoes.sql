-- Every delivery that is held: the one that is released first comes first.
select delivery.id as delivery, delivery.referral, referral.reference, referral.publisher,
       delivery.agency, delivery.role, nullif(delivery.available_at, %(never)s) as until,
       referral.accepted_at as since, delivery.acknowledge_by, referral.effective_grade,
       delivery.hold_warned_at as warned_at
from delivery
join referral on referral.id = delivery.referral
where delivery.state = 'held'
  and (%(publisher)s::text is null or referral.publisher = %(publisher)s)
order by delivery.available_at, delivery.acknowledge_by nulls last, delivery.id
limit %(limit)s
