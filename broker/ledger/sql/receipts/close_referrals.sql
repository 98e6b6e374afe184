-- Close the referrals in which nobody has anything left to do. Their rows were locked before, so two
-- last receipts cannot each miss the other.
with closed as (
    update referral
    set state = 'closed', closed_at = %(now)s
    -- What is due for routing has a new version, or a recall, that is still to be sent.
    where id = any(%(ids)s::uuid[]) and state = 'routed' and next_attempt_at is null
      and not exists (
          select from delivery
          where delivery.referral = referral.id
            and (is_open(delivery)
                 or (delivery.state = 'returned' and referral.recalled_at is null
                     and not exists (select from delivery successor
                                     where successor.replaces = delivery.id)))
      )
    returning id, publisher
)
insert into event (at, kind, publisher, referral, actor)
select %(now)s, 'referral.closed', publisher, id, %(actor)s from closed
