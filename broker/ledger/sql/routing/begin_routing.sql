-- Write that an attempt at these referrals begins, and reserve them until an instant. If it crashes
-- the process, the count stays and the reservation lapses.
update referral
set begun = begun + 1, next_attempt_at = %(until)s
where id = any(%(ids)s::uuid[]) and next_attempt_at <= %(now)s
returning id
