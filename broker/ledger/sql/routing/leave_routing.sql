-- Undo begin_routing, only where the reservation is still this one.
update referral
set begun = begun - 1, next_attempt_at = %(now)s
where id = any(%(ids)s::uuid[]) and next_attempt_at = %(until)s
