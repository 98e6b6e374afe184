-- Look at once whether another team has the open parts of these referrals: their grade has changed.
update delivery
set hand_over_at = %(now)s
where referral = any(%(referrals)s::uuid[]) and kind = 'referral' and stands_in_for is null
  and is_unfinished(state)
  and (select stands(referral.*) from referral where referral.id = delivery.referral)
