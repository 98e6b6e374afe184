-- A missed deadline of one delivery, by the rule of breaches.sql, with what its cause follows from.
select delivery.id as delivery, delivery.state, step.due_at, delivery.clock_start,
       delivery.available_at, delivery.collected_at, delivery.acknowledged_at,
       delivery.replaces is not null as sent_on
from delivery
cross join lateral (values ('collect', collect_by, collected_at),
                           ('acknowledge', acknowledge_by, acknowledged_at),
                           ('decide', decide_by, decided_at)) as step (milestone, due_at, met_at)
where delivery.id = %(delivery)s and step.milestone = %(milestone)s and step.due_at < %(now)s
  and (step.met_at is null or step.met_at > step.due_at)
  and not (is_unfinished(delivery.state) and not is_open(delivery) and step.met_at is null)
  and owed(step.due_at, step.met_at, step.milestone, delivery.state,
           coalesce(delivery.returned_at, delivery.recalled_at), delivery.standing,
           delivery.paused_at)
