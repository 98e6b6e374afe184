-- The states of referrals.
select id, state from referral where id = any(%(ids)s::uuid[])
