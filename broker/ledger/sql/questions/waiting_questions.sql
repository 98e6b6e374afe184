-- Questions for which the police have not answered, by the deadline of their open task, a page of them:
-- who asked, who owes the answer and by when, and nothing of what was asked. `total` and `late` count
-- all of them. The condition is that of open questions.
select count(*) over () as total, count(*) filter (where task.due_at < %(now)s) over () as late,
       task.id as task, task.due_at, question.id as question, question.at as asked_at,
       delivery.agency, referral.id as referral, referral.reference, referral.publisher
from task
join referral on referral.id = task.referral
join question on question.id = substring(task.pointer from length(%(prefix)s) + 1)::uuid
join delivery on delivery.id = question.delivery
where task.state = 'open' and task.code = %(code)s and task.pointer like %(prefix)s || '%%'
  and not exists (select from question_answer answer where answer.question = question.id)
  and not exists (select from question_closing closing where closing.question = question.id)
order by task.due_at, question.id
limit %(limit)s offset %(offset)s
