-- What an agency has to do, soonest due first: with what was due when, whether anybody has read it
-- and who deals with it. What is kept back after a restore, or held, is not there yet; nothing new
-- is offered while delivery to the agency is suspended.
select delivery.id, delivery.referral, referral.reference, referral.publisher, delivery.kind,
       delivery.state, delivery.role, referral.effective_grade as grade, delivery.available_at,
       next_deadline(delivery) as due_at,
       case when delivery.state = 'acknowledged' then delivery.decide_by is not null
            else delivery.acknowledge_by is null and delivery.decide_by is not null
       end as must_decide,
       delivery.acknowledged_at is not null as is_acknowledged,
       delivery.paused_at is not null as is_paused,
       exists (select from look where look.delivery = delivery.id) as is_read,
       handled.member as handler, handled.name as handler_name, handled.at as handled_at,
       handled.cover as handler_cover
from delivery
join referral on referral.id = delivery.referral
left join lateral (
    select handler.member, member.name, handler.at, member.cover
    from handler join member on member.id = handler.member
    where handler.delivery = delivery.id
    order by handler.id desc
    limit 1
) handled on true
where delivery.agency = %(agency)s
  and is_open(delivery) and delivery.state <> 'held'
  and (delivery.kind = 'recall'
       or stands(referral.*) and referral.accepted_at >= (select since from offered_since))
  and (delivery.collected_at is not null
       or not exists (select from suspension
                      where suspension.organisation = delivery.agency))
order by next_deadline(delivery) nulls last, delivery.id
limit %(limit)s
