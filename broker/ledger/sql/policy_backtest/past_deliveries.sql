-- When the milestones of these referrals' deliveries were really met.
select referral, agency, policy_row, collected_at, acknowledged_at, decided_at
from delivery
where referral = any(%(ids)s::uuid[])
order by id
