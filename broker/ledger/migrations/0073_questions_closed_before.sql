-- Close the questions about what agencies had given up before questions were closed with it.
insert into question_closing (question, at, because)
select question.id, now(), delivery_end(delivery.*, referral.*)
from question
join delivery on delivery.id = question.delivery
join referral on referral.id = delivery.referral
left join question_answer answer on answer.question = question.id
where answer.question is null and delivery_end(delivery.*, referral.*) is not null
on conflict (question) do nothing
