-- Since when what cannot be delivered cannot be, which is not when it was offered: a replay takes
-- what could not be delivered when it was planned, and nothing that came to it afterwards.
alter table delivery add column undeliverable_at timestamptz;
update delivery
set undeliverable_at = coalesce((select max(event.at)
                                 from event
                                 where event.referral = delivery.referral
                                   and event.delivery = delivery.id
                                   and event.kind = 'delivery.refused'),
                                delivery.available_at)
where state = 'undeliverable';
alter table delivery add constraint delivery_undeliverable
    check (state <> 'undeliverable' or undeliverable_at is not null);
comment on column delivery.undeliverable_at is
    'when its channel refused it for good, the last time that it did';

drop index delivery_attention;
create index delivery_attention on delivery ((coalesce(returned_at, undeliverable_at)))
    where state in ('undeliverable', 'returned') and sent_on_at is null;

-- As in 0008, but since when it cannot be delivered, and without looking for successors.
create or replace view may_go_on as
select delivery.id, delivery.referral, delivery.agency, delivery.state, delivery.clock_start,
       coalesce(answer.reason, delivery.refused_because) as cause,
       coalesce(delivery.returned_at, delivery.undeliverable_at) as since,
       least(delivery.acknowledge_by, delivery.decide_by) as due_at,
       delivery.replaces is not null as was_sent_on
from delivery
join referral on referral.id = delivery.referral
left join answer on answer.delivery = delivery.id and answer.stage = 'returned'
where delivery.kind = 'referral' and delivery.state in ('returned', 'undeliverable')
  and delivery.sent_on_at is null
  and not (delivery.state = 'returned' and referral.recalled_at is not null);

-- An act bears the kind of its event, so that the history finds the reason.
update act
set kind = case when delivery is not null then 'delivery'
                when referral is not null then 'referral'
                else 'organisation' end || '.escalation_acknowledged'
where kind = 'escalation.acknowledged';
