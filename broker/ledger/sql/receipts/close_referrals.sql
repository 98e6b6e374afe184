-- Close the referrals of which nobody has anything left to do.
with closed as (
    update referral
    set state = 'closed', closed_at = %(now)s
    -- What is due for routing has a new version, or a recall, that is still to be sent.
    where id = any(%(ids)s::uuid[]) and state = 'routed' and next_attempt_at is null
      and not exists (
          select from delivery
          where delivery.referral = referral.id
            and (delivery.state in ('held', 'available', 'leased', 'collected', 'undeliverable')
                 or (delivery.state = 'acknowledged' and delivery.kind <> 'correction')
                 or (delivery.state = 'returned' and referral.recalled_at is null
                     and not exists (select from delivery successor
                                     where successor.replaces = delivery.id)))
      )
    returning id, publisher
)
insert into event (at, kind, publisher, referral, actor)
select %(now)s, 'referral.closed', publisher, id, %(actor)s from closed
