-- How many deliveries of each agency the quarantine keeps back.
select delivery.agency, count(*) as count
from quarantine
join referral on referral.accepted_at < quarantine.before
join delivery on delivery.referral = referral.id
where delivery.state = 'available' and delivery.kind <> 'recall' and stands(referral.*)
group by delivery.agency
order by delivery.agency
