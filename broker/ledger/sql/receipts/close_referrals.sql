-- Close the referrals in which nobody has anything left to do, and reopen the closed ones in which
-- somebody has again. Their rows were locked before, so two last receipts cannot each miss the other.
with changed as (
    update referral
    set state = case state when 'routed' then 'closed' else 'routed' end,
        closed_at = case state when 'routed' then %(now)s::timestamptz end
    -- What is due for routing has a new version, or a recall, that is still to be sent.
    where id = any(%(ids)s::uuid[]) and next_attempt_at is null
      and (state = 'routed' or state = 'closed' and routed_at is not null)
      and (state = 'closed') = exists (
          select from delivery
          where delivery.referral = referral.id
            and (is_open(delivery)
                 or (delivery.state = 'returned' and referral.recalled_at is null
                     and not exists (select from delivery successor
                                     where successor.replaces = delivery.id))
                 -- Whatever a team out of hours has done, its office gets it when it opens.
                 or (delivery.stands_in_for is not null
                     and delivery.hand_over_at is not null and delivery.sent_on_at is null
                     and delivery.state in ('acknowledged', 'decided')
                     and referral.recalled_at is null))
      )
    returning id, publisher, state
)
insert into event (at, kind, publisher, referral, actor)
select %(now)s, case state when 'closed' then 'referral.closed' else 'referral.reopened' end,
       publisher, id, %(actor)s
from changed
