-- An acknowledged delivery needs nothing more from its agency where no decision is due. A recall
-- does: that everything is destroyed. (As in 0015, and for more than corrections.)
create or replace function is_open(delivery delivery)
returns boolean language sql immutable parallel safe
return is_unfinished(delivery.state)
       and not (delivery.state = 'acknowledged' and delivery.kind <> 'recall'
                and (delivery.kind = 'correction' or delivery.decide_by is null));

drop index delivery_unfinished;
create index delivery_unfinished on delivery (agency, state)
    where state in ('held', 'available', 'leased', 'collected', 'acknowledged', 'undeliverable')
      and not (state = 'acknowledged' and kind <> 'recall'
               and (kind = 'correction' or decide_by is null));

-- What had waited for decisions that nobody owed closes now.
with closed as (
    update referral
    set state = 'closed', closed_at = now()
    where state = 'routed' and next_attempt_at is null
      and exists (select from delivery where delivery.referral = referral.id)
      and not exists (
          select from delivery
          where delivery.referral = referral.id
            and (is_open(delivery)
                 or (delivery.state = 'returned' and referral.recalled_at is null
                     and not exists (select from delivery successor
                                     where successor.replaces = delivery.id)))
      )
    returning id, publisher
)
insert into event (at, kind, publisher, referral, actor)
select now(), 'referral.closed', publisher, id, 'broker' from closed;

-- A decision may change, and each stays: the one with the highest number stands.
alter table answer
    add column number int not null default 1 check (number > 0),
    add column views_considered text
        check (views_considered in ('yes', 'no', 'not_applicable')),
    add column child_told text check (child_told in ('yes', 'no', 'not_yet')),
    drop constraint answer_pkey,
    add primary key (delivery, stage, number),
    add check (number = 1 or stage = 'decided'),
    add check (stage = 'decided' or (views_considered is null and child_told is null));
comment on column answer.number is 'counts the decisions of a delivery; the highest one stands';
comment on column answer.views_considered is 'whether the child''s views were considered';
comment on column answer.child_told is 'whether the child was told what was decided';
