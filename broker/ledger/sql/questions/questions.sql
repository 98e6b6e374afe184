-- Questions with their answers, the latest first: about what an agency has of a referral, of a
-- publisher or of all; all of them, or the open ones. An agency reads those that it asked, and those
-- about a part that it has from the team that asked. An open one is neither answered nor closed.
select question.id, question.delivery, delivery.referral, referral.reference, referral.publisher,
       delivery.agency, organisation.name as agency_name, question.at, question.member,
       question.asked_by, question.topic, question.text, answer.at as answered_at,
       answer.given_by as answered_by, answer.text as answer, answer.version,
       closing.at as closed_at, closing.because as closed_because
from question
join delivery on delivery.id = question.delivery
join referral on referral.id = delivery.referral
join organisation on organisation.code = delivery.agency
left join question_answer answer on answer.question = question.id
left join question_closing closing on closing.question = question.id
where (%(id)s::uuid is null or question.id = %(id)s)
  and (%(publisher)s::text is null or referral.publisher = %(publisher)s)
  and (%(agency)s::text is null or delivery.agency = %(agency)s
       or exists (select from delivery has
                  where has.referral = delivery.referral and has.agency = %(agency)s
                    and took_over(has.*, delivery.*)))
  and (%(referral)s::uuid is null or delivery.referral = %(referral)s)
  and (%(delivery)s::uuid is null or question.delivery = %(delivery)s)
  and (not %(open)s or answer.question is null and closing.question is null)
order by question.at desc, question.id desc
limit %(limit)s
