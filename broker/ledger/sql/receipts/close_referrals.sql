-- Close the referrals in which nobody has anything left to do, and reopen the closed ones in which
-- somebody has again. Their rows were locked before, so two last receipts cannot each miss the other.
with judged as (
    select referral.id, referral.state,
           exists (
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
           ) as is_owed
    from referral
    -- What is due for routing has a new version, or a recall, that is still to be sent.
    where id = any(%(ids)s::uuid[]) and next_attempt_at is null
      and (state = 'routed' or state = 'closed' and routed_at is not null)
),
changed as (
    update referral
    set state = case when judged.is_owed then 'routed' else 'closed' end,
        closed_at = case when not judged.is_owed then %(now)s::timestamptz end
    from judged
    where referral.id = judged.id and referral.state = judged.state
      and judged.is_owed = (judged.state = 'closed')
    returning referral.id, referral.publisher, referral.state
)
insert into event (at, kind, publisher, referral, actor)
select %(now)s, case state when 'closed' then 'referral.closed' else 'referral.reopened' end,
       publisher, id, %(actor)s
from changed
