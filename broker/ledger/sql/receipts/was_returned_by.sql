-- Whether an agency has returned a part of a referral, in this transaction or before it.
select id
from delivery
where referral = %(referral)s and agency = %(agency)s and state = 'returned'
limit 1
