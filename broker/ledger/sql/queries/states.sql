-- Where referrals stand.
select id, state from referral where id = any(%(ids)s::uuid[])
