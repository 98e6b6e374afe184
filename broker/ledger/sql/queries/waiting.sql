-- Which of these agencies have something to collect: one look into the index for each.
select agency
from unnest(%(agencies)s::text[]) as asked (agency)
where exists (select from delivery
              where delivery.agency = asked.agency and delivery.state = 'available')
  and not exists (select from stop
                  where stop.organisation = asked.agency and stop.ended_at is null)
