-- How many referrals there are in each unfinished state, by reason, each read through an index.
select state, reason, count(*) as count, min(accepted_at) as oldest_at
from referral
where next_attempt_at is not null or state = 'unroutable'
group by state, reason
order by state, reason
