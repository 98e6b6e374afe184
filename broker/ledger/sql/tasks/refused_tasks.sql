-- The open tasks about bodies that were refused under a publisher's reference.
select id
from task
where publisher = %(publisher)s and reference = %(reference)s and referral is null
  and state = 'open'
order by id
