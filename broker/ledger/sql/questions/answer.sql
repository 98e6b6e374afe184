-- Write the answer to a question about a publisher's own referral, with the version of it that
-- answers; the first one stands.
insert into question_answer (question, at, given_by, text, version)
select question.id, %(now)s, %(by)s, %(text)s, %(version)s
from question
join delivery on delivery.id = question.delivery
join referral on referral.id = delivery.referral
where question.id = %(id)s and referral.publisher = %(publisher)s
  and not exists (select from question_closing where question_closing.question = question.id)
  and (%(version)s::int is null or %(version)s <= referral.version)
on conflict (question) do nothing
returning question
