-- One definition of each rule about a delivery that several statements use. PostgreSQL inlines
-- these functions, so the partial indexes serve as before.

-- The states in which a delivery still needs somebody; the same as OPEN_DELIVERIES in
-- broker/domain/states.py.
create function is_unfinished(state text)
returns boolean language sql immutable parallel safe
return state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable');

-- An open delivery; an acknowledged correction needs nothing more from its agency.
create function is_open(delivery delivery)
returns boolean language sql immutable parallel safe
return is_unfinished(delivery.state)
       and not (delivery.kind = 'correction' and delivery.state = 'acknowledged');

-- A channel that the broker sends on by itself; from a mailbox the agency collects.
create function is_pushed(channel text)
returns boolean language sql immutable parallel safe
return channel <> 'mailbox';

-- When a delivery that is offered from an instant on is pushed; null where the agency collects.
create function push_due_at(channel text, available_at timestamptz)
returns timestamptz language sql immutable parallel safe
return case when is_pushed(channel) then available_at end;

-- A delivery that its agency, or its channel, could take now unless delivery to the agency is
-- suspended: it is in the queue, and no retry is being waited for.
create function is_claimable(delivery delivery, at timestamptz)
returns boolean language sql immutable parallel safe
return delivery.state = 'available'
       and (delivery.next_attempt_at is null or delivery.next_attempt_at <= at);

-- The deadline of a milestone that is not met, unless its clock is paused.
create function unmet_deadline(delivery delivery, milestone text)
returns timestamptz language sql immutable parallel safe
return running(case milestone
                   when 'collect' then
                       case when delivery.collected_at is null then delivery.collect_by end
                   when 'acknowledge' then
                       case when delivery.acknowledged_at is null then delivery.acknowledge_by end
                   when 'decide' then
                       case when delivery.decided_at is null then delivery.decide_by end
               end,
               milestone, delivery.standing, delivery.paused_at);

-- The next deadline of an open delivery; one that has passed is still the next one.
create function next_deadline(delivery delivery)
returns timestamptz language sql immutable parallel safe
return least(unmet_deadline(delivery, 'collect'), unmet_deadline(delivery, 'acknowledge'),
             unmet_deadline(delivery, 'decide'));

-- An open delivery is overdue when a deadline has passed; under an embargo none counts yet.
create function is_overdue(delivery delivery, at timestamptz)
returns boolean language sql immutable parallel safe
return delivery.state <> 'held' and next_deadline(delivery) < at;

-- Agencies to which nothing is offered until somebody resumes delivery.
create view suspension as
select organisation, reason, began_at, began_by
from stop
where ended_at is null;

comment on view suspension is 'agencies to which delivery is suspended now';
