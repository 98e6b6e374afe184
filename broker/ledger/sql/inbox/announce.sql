-- Take deliveries that an agency's people can open now and were not told of: a line for each of them
-- who answers and gets mail. Each delivery is announced once, even if two processes look at once.
with inboxes as (
    select distinct organisation
    from member
    where disabled_at is null and gets_mail and 'answer' = any(rights)
      and not exists (select from suspension
                      where suspension.organisation = member.organisation)
),
arrived as (
    select delivery.id, delivery.agency, delivery.referral, delivery.kind,
           delivery.acknowledge_by, delivery.decide_by
    from inboxes
    join delivery on delivery.agency = inboxes.organisation
    join referral on referral.id = delivery.referral
    where delivery.state in ('available', 'leased') and is_open(delivery)
      and (delivery.kind = 'recall'
           or stands(referral.*) and referral.accepted_at >= (select since from offered_since))
      and not exists (select from announced where announced.delivery = delivery.id)
    order by delivery.acknowledge_by nulls last, delivery.id
    limit %(limit)s
),
taken as (
    insert into announced (delivery, at)
    select id, %(now)s from arrived
    on conflict (delivery) do nothing
    returning delivery
)
select arrived.id as delivery, arrived.agency, arrived.referral, arrived.kind,
       coalesce(arrived.acknowledge_by, arrived.decide_by) as due_at, member.id as member
from taken
join arrived on arrived.id = taken.delivery
join member on member.organisation = arrived.agency
where member.disabled_at is null and member.gets_mail and 'answer' = any(member.rights)
order by arrived.acknowledge_by nulls last, arrived.id, member.id
