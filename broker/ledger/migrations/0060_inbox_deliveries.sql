-- The inbox's rules, each once: what an agency's people may see, and who deals with it. And what
-- became of the last email with a link to a member.

-- Deliveries that an agency's people may see. What is held, or kept back after a restore, is not there
-- for them yet; while delivery to the agency is suspended nothing new is.
create view inbox_delivery as
select delivery.id, delivery.referral, delivery.agency, referral.publisher, referral.reference,
       delivery.kind, delivery.state, delivery.role, referral.effective_grade as grade,
       delivery.available_at, delivery.acknowledge_by, delivery.decide_by,
       next_deadline(delivery) as due_at,
       case when delivery.state = 'acknowledged' then delivery.decide_by is not null
            else delivery.acknowledge_by is null and delivery.decide_by is not null
       end as must_decide,
       delivery.acknowledged_at is not null as is_acknowledged,
       delivery.paused_at is not null as is_paused,
       is_open(delivery) and (delivery.kind = 'recall' or stands(referral.*)) as is_to_do
from delivery
join referral on referral.id = delivery.referral
where delivery.state <> 'held'
  and (delivery.kind = 'recall'
       or referral.accepted_at >= (select since from offered_since))
  and (delivery.collected_at is not null
       or not exists (select from suspension
                      where suspension.organisation = delivery.agency));

-- Who deals with a delivery now: of its rows the newest.
create view current_handler as
select handler.delivery, handler.member, member.name, handler.at, member.cover
from handler
join member on member.id = handler.member
where not exists (select from handler newer
                  where newer.delivery = handler.delivery and newer.id > handler.id);

-- The same as lines of a list: whether anybody of the agency has read it, and who deals with it.
create view inbox_item as
select item.*, exists (select from look where look.delivery = item.id) as is_read,
       handled.member as handler, handled.name as handler_name, handled.at as handled_at,
       handled.cover as handler_cover
from inbox_delivery item
left join current_handler handled on handled.delivery = item.id;

alter table member
    add column link_failed_at timestamptz,
    add column link_failed_because text;
comment on column member.link_failed_at is
    'when an email with a link could not be sent; null since one was';
comment on column member.link_failed_because is 'a code: why it could not be sent';
