-- Return the version that a referral, or that of a delivery, has now. A caller that acts has
-- locked the referral, so no correction follows before the commit.
select version
from referral
where id = coalesce(%(referral)s::uuid,
                    (select delivery.referral from delivery where delivery.id = %(delivery)s::uuid))
