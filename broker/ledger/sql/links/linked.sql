-- Referrals that name the same person, account, report, file or address as one, the latest first.
select other.id, other.reference, other.publisher, other.accepted_at, other.state
from referral_link
join referral other on other.id = referral_link.other
where referral_link.referral = %(referral)s
order by other.accepted_at desc, other.id desc
limit %(limit)s
