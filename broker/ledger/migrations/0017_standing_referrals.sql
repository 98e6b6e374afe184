-- A referral stands until it is recalled, or until another document takes its place after a
-- rejection. Whoever writes a delivery asks this of its referral: of one that does not stand
-- nothing but a recall is written, offered or answered.
create function stands(referral referral)
returns boolean language sql immutable parallel safe
return referral.recalled_at is null
       and not (referral.state = 'closed' and referral.routed_at is null);

-- What was redirected while its referral was recalled is still offered: take it back, and have the
-- referral routed again, so that whoever had some of it is asked to destroy it.
with stray as (
    update delivery
    set state = 'recalled', lease_until = null, next_attempt_at = null, next_alarm_at = null,
        recalled_at = now()
    from referral
    where referral.id = delivery.referral and delivery.kind <> 'recall'
      and is_unfinished(delivery.state) and not stands(referral.*)
    returning delivery.id, delivery.referral, delivery.agency, referral.publisher
),
due as (
    update referral
    set state = 'routed', closed_at = null, attempt = 0, next_attempt_at = now()
    where id in (select referral from stray) and recalled_at is not null
)
insert into event (at, kind, publisher, referral, delivery, agency, actor)
select now(), 'delivery.recalled', publisher, referral, id, agency, 'broker' from stray;

-- As in 0012, but nothing of a referral that does not stand can be redirected.
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
  and delivery.sent_on_at is null and stands(referral.*);

-- An agency that acknowledges an escalation about itself is not told for a while; the police and
-- ops still are.
alter table escalation
    add column own_acknowledged_at timestamptz,
    add column own_acknowledged_by text,
    add column own_until timestamptz,
    add check ((own_until is null) = (own_acknowledged_by is null));
comment on column escalation.own_until is
    'until when the steps that address the late agency itself are left out';

-- What was recalled is seen only by whom this right was given.
alter table person drop constraint if exists person_rights_check;
alter table person add constraint person_rights_check
    check (rights <@ array['view', 'reveal', 'reveal-recalled', 'act', 'bulk', 'policy']
           and rights <> '{}');
