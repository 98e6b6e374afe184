-- Write down that these referrals are about to be tried, and keep them from others until an instant.
update referral
set begun = begun + 1, next_attempt_at = %(until)s
where id = any(%(ids)s::uuid[]) and next_attempt_at <= %(now)s
returning id
