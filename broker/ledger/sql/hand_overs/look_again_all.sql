-- Look at every part that may change hands, because a new policy may have other opening hours and
-- teams. What is due earlier stays so.
with part as (
    select id
    from delivery
    where hand_over_at > %(at)s
    order by id
    for no key update
)
update delivery
set hand_over_at = %(at)s
from part
where delivery.id = part.id and delivery.hand_over_at > %(at)s
  and (select stands(referral.*) from referral where referral.id = delivery.referral)
