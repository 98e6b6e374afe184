-- Which channels there are, and on which the broker sends: written from the registry of channels
-- (broker/channels/registry.py) each time a policy is published, so that a new channel needs no
-- migration. A channel that the registry has dropped stays, because deliveries name it.

create table channel (
    name text primary key,
    is_push boolean not null
);

insert into channel (name, is_push) values ('mailbox', false), ('queue', true);

-- A channel on which the broker sends by itself; from any other its agencies collect.
create or replace function is_pushed(channel text)
returns boolean language sql stable parallel safe
return coalesce((select known.is_push from channel known where known.name = is_pushed.channel),
                false);

-- When a delivery that is offered from an instant on is pushed; null where the agency collects.
create or replace function push_due_at(channel text, available_at timestamptz)
returns timestamptz language sql stable parallel safe
return case when is_pushed(channel) then available_at end;

-- Only what is pushed has a next attempt, so the index needs no list of channels.
drop index delivery_push;
create index delivery_push on delivery (channel, next_attempt_at, id)
    where state = 'available' and next_attempt_at is not null;
