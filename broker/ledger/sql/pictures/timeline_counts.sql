-- How many deliveries of a referral there are of each state, and how many of these are late.
select state, count(*) as count,
       count(*) filter (where is_late(delivery, %(now)s)) as late
from delivery
where referral = %(referral)s
group by state
