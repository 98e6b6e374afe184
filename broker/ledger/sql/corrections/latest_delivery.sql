-- The latest version of one part of a referral that an agency was given.
select later.id
from delivery earlier
join delivery later
    on later.referral = earlier.referral and later.agency = earlier.agency
    and later.policy_row = earlier.policy_row and later.kind <> 'recall'
    and is_of_office(later.stands_in_for, earlier.stands_in_for)
where earlier.id = %(delivery)s
order by later.version desc, later.id desc
limit 1
