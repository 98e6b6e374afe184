-- The latest that an agency was given of one part of a referral.
select later.id
from delivery asked
join delivery later
    on later.referral = asked.referral and later.agency = asked.agency
    and later.policy_row = asked.policy_row and later.kind <> 'recall'
where asked.id = %(delivery)s
order by later.version desc, later.id desc
limit 1
