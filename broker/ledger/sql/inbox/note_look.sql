-- Keep that a member saw the content of a delivery of their own organisation. What is held, or kept
-- back after a restore, is not there for them yet; nothing new is while delivery is suspended.
insert into look (id, at, organisation, member, delivery, kind)
select %(id)s, %(now)s, member.organisation, member.id, delivery.id, %(kind)s
from member
join delivery on delivery.agency = member.organisation
join referral on referral.id = delivery.referral
where member.id = %(member)s and delivery.id = %(delivery)s and delivery.state <> 'held'
  and (delivery.kind = 'recall' or referral.accepted_at >= (select since from offered_since))
  and (delivery.collected_at is not null
       or not exists (select from suspension where suspension.organisation = delivery.agency))
returning id
