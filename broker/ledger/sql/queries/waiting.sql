-- Which of these agencies have something to collect: one index look-up for each.
select agency
from unnest(%(agencies)s::text[]) as polled (agency)
where exists (select from delivery
              where delivery.agency = polled.agency and delivery.state = 'available'
                and (delivery.kind = 'recall'
                     or not exists (select
                                    from quarantine join referral on referral.accepted_at < before
                                    where referral.id = delivery.referral)))
  and not exists (select from suspension where suspension.organisation = polled.agency)
