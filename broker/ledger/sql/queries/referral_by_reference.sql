-- The last referral that was accepted under a reference.
select id
from referral
where reference = %(reference)s::text
  and (%(publisher)s::text is null or publisher = %(publisher)s)
order by accepted_at desc, id desc
limit 1
