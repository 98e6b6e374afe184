-- Take deadlines that are near and that an agency's people were not reminded of: a line for who deals
-- with the delivery and who covers for them, or for each who answers. A deadline that was as near
-- already when the delivery was announced is not reminded of. Each deadline is taken once, even if two
-- processes look at once.
with near as (
    select item.id, item.agency, item.referral, item.kind, item.due_at, item.milestone
    from (select distinct organisation from member
          where disabled_at is null and gets_mail and 'answer' = any(rights)) inbox
    join inbox_delivery item on item.agency = inbox.organisation
    where item.is_to_do and item.due_at > %(now)s and item.due_at <= %(now)s + %(before)s
      and not exists (select from reminded
                      where reminded.delivery = item.id and reminded.due_at = item.due_at)
      and not exists (select from announced
                      where announced.delivery = item.id
                        and announced.at > item.due_at - %(before)s)
    order by item.due_at, item.id
    limit %(limit)s
),
taken as (
    insert into reminded (delivery, due_at, at)
    select id, due_at, %(now)s from near
    on conflict (delivery, due_at) do nothing
    returning delivery
)
select near.id as delivery, near.agency, near.referral, near.kind, near.due_at, near.milestone,
       mailed.member,
       exists (select from member_mobile mobile
               where mobile.member = mailed.member and mobile.number is not null) as has_mobile
from taken
join near on near.id = taken.delivery
join mailed_member mailed on mailed.delivery = near.id
order by near.due_at, near.id, mailed.member
