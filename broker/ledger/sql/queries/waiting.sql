-- Which of these agencies have something to collect: one index look-up for each.
select agency
from unnest(%(agencies)s::text[]) as polled (agency)
where exists (select from delivery
              where delivery.agency = polled.agency and delivery.state = 'available')
  and not exists (select from suspension where suspension.organisation = polled.agency)
