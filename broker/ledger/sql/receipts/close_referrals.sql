-- Close the referrals in which nobody has anything left to do, and reopen the closed ones in which
-- somebody has again. Their rows were locked before, so two last receipts cannot each miss the other.
with changed as (
    update referral
    set state = case when is_owed(referral.*) then 'routed' else 'closed' end,
        closed_at = case when not is_owed(referral.*) then %(now)s::timestamptz end
    -- What is due for routing has a new version, or a recall, that is still to be sent.
    where id = any(%(ids)s::uuid[]) and next_attempt_at is null
      and (state = 'routed' and not is_owed(referral.*)
           or state = 'closed' and routed_at is not null and is_owed(referral.*))
    returning id, publisher, state
)
insert into event (at, kind, publisher, referral, actor)
select %(now)s, case state when 'closed' then 'referral.closed' else 'referral.reopened' end,
       publisher, id, %(actor)s
from changed
