-- Which of these agencies have something to collect: one index look-up for each.
select agency
from unnest(%(agencies)s::text[]) as polled (agency)
where exists (select from delivery
              where delivery.agency = polled.agency and delivery.state = 'available'
                and (delivery.kind = 'recall'
                     or (select referral.accepted_at >= (select since from offered_since)
                         from referral where referral.id = delivery.referral)))
  and not exists (select from suspension where suspension.organisation = polled.agency)
