-- Sign-in with a provider, and jobs that send on.

-- What a provider's answer was good for is used up with it, whichever gateway it comes to.
alter table session add column answer_sha256 bytea unique check (octet_length(answer_sha256) = 32);
comment on column session.answer_sha256 is
    'the state of the provider''s answer that it began with; null: it began with a link';
comment on column person.subject is 'issuer and subject by which an OpenID provider knows them';

-- A replay puts back; sending on looks at each delivery once, in the order of their ids.
alter table replay
    add column kind text not null default 'replay' check (kind in ('replay', 'send_on')),
    add column receiver text references organisation,
    add column started_by text,
    add column looked_at uuid,
    add column failed int not null default 0,
    add column turns jsonb not null default '[]',
    add constraint receiver_if_sent_on check ((kind = 'send_on') = (receiver is not null));
comment on column replay.started_by is 'who gave the reason: the history names them for each one';
comment on column replay.looked_at is 'the last delivery of a sending on that was looked at';
comment on column replay.turns is 'who started, paused, went on with and stopped it, and when';
comment on column replay.failed is 'how many could not be sent on, and stay where they are';

-- What came back or cannot be delivered, and has not gone to anybody else.
create view may_go_on as
select delivery.id, delivery.referral, delivery.agency, delivery.state, delivery.clock_start,
       coalesce(answer.reason, delivery.refused_because) as cause,
       coalesce(delivery.returned_at, delivery.available_at) as since,
       least(delivery.acknowledge_by, delivery.decide_by) as due_at,
       delivery.replaces is not null as was_sent_on
from delivery
join referral on referral.id = delivery.referral
left join answer on answer.delivery = delivery.id and answer.stage = 'returned'
where delivery.kind = 'referral' and delivery.state in ('returned', 'undeliverable')
  and not (delivery.state = 'returned' and referral.recalled_at is not null)
  and not exists (select from delivery successor where successor.replaces = delivery.id);
