-- Write a question about a delivery that an agency may see and still has; its referral is locked. The
-- same question again, by its id, changes nothing. One delivery has so many questions at most.
with asked as (
    insert into question (id, delivery, at, member, asked_by, topic, text)
    select %(id)s, item.id, %(now)s, %(member)s, %(by)s, %(topic)s, %(text)s
    from inbox_delivery item
    join delivery on delivery.id = item.id
    join referral on referral.id = item.referral
    where item.id = %(delivery)s and item.agency = %(agency)s and item.kind <> 'recall'
      and item.state = any(%(states)s::text[])
      and delivery_end(delivery.*, referral.*) is null
      and (select count(*) from question where question.delivery = item.id) < %(most)s
    on conflict (id) do nothing
    returning delivery
)
select referral.id as referral, referral.publisher, referral.reference, referral.version,
       referral.effective_grade as grade
from asked
join delivery on delivery.id = asked.delivery
join referral on referral.id = delivery.referral
