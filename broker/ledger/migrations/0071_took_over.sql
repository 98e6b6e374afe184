-- Which team has a part that an office and its team out of hours handed over to each other.

-- Whether the team of delivery `has` got the part after the team of delivery `had` handed it over. Rule
-- and office tell a part apart, whichever of the two teams has it.
create function took_over(has delivery, had delivery)
returns boolean language sql immutable parallel safe
return had.sent_on_at is not null and has.kind <> 'recall'
       and has.referral = had.referral and has.policy_row = had.policy_row
       and coalesce(has.stands_in_for, has.agency) = coalesce(had.stands_in_for, had.agency)
       and (has.sent_on_at is null or has.sent_on_at > had.sent_on_at);

-- Who is emailed about a delivery: who deals with it and who covers for them, or, where neither gets
-- email, each who answers at its agency.
create view mailed_member as
with answering as (
    select id, organisation from member
    where disabled_at is null and gets_mail and 'answer' = any(rights)
)
select delivery.id as delivery, delivery.agency, delivery.referral, answering.id as member
from delivery
join answering on answering.organisation = delivery.agency
left join current_handler handled on handled.delivery = delivery.id
where handled.delivery is null or answering.id in (handled.member, handled.cover)
   or not exists (select from answering reached where reached.id in (handled.member, handled.cover));
