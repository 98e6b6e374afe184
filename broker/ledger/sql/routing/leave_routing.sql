-- Take back that these referrals were tried, and let others have them at once.
update referral
set begun = begun - 1, next_attempt_at = %(now)s
where id = any(%(ids)s::uuid[]) and next_attempt_at = %(until)s
