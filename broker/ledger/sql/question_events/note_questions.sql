-- Write what happened to questions into the history, in the order of their ids.
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, %(kind)s, referral.publisher, referral.id, delivery.id, delivery.agency, %(actor)s,
       jsonb_build_object('question', question.id) || noted.data::jsonb
from unnest(%(ids)b::uuid[], %(data)b::text[]) as noted (question, data)
join question on question.id = noted.question
join delivery on delivery.id = question.delivery
join referral on referral.id = delivery.referral
order by question.id
