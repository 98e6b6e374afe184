-- Take deliveries that an agency's people can open now and were not told of: a line for each of them
-- who answers and gets mail. Each delivery is announced once, even if two processes look at once.
with answering as (
    select id, organisation from member
    where disabled_at is null and gets_mail and 'answer' = any(rights)
),
arrived as (
    select item.id, item.agency, item.referral, item.kind, item.due_at, item.milestone
    from (select distinct organisation from answering) inbox
    join inbox_delivery item on item.agency = inbox.organisation
    where item.state in ('available', 'leased') and item.is_to_do
      and not exists (select from announced where announced.delivery = item.id)
    order by item.due_at nulls last, item.id
    limit %(limit)s
),
taken as (
    insert into announced (delivery, at)
    select id, %(now)s from arrived
    on conflict (delivery) do nothing
    returning delivery
)
select arrived.id as delivery, arrived.agency, arrived.referral, arrived.kind,
       arrived.due_at, arrived.milestone, answering.id as member,
       exists (select from member_mobile mobile
               where mobile.member = answering.id and mobile.number is not null) as has_mobile
from taken
join arrived on arrived.id = taken.delivery
join answering on answering.organisation = arrived.agency
order by arrived.due_at nulls last, arrived.id, answering.id
