-- Close the questions about these referrals whose agency no longer has what it asked about. The
-- referrals are locked, so no answer comes at the same time. Returns each with its open task, if any.
with asked as (
    select question.id as question, delivery_end(delivery.*, referral.*) as because,
           delivery.referral
    from referral
    join delivery on delivery.referral = referral.id
    -- Each delivery by itself, so that its questions are read through the index and no others.
    cross join lateral (
        select id from question
        where question.delivery = delivery.id
          and not exists (select from question_answer answer where answer.question = question.id)
          and not exists (select from question_closing closing
                          where closing.question = question.id)
        offset 0
    ) as question
    where referral.id = any(%(referrals)s::uuid[])
),
closed as (
    insert into question_closing (question, at, because)
    select question, %(now)s, because from asked where because is not null
    order by question
    on conflict (question) do nothing
    returning question
)
select question, asked.because, task.id as task
from closed
join asked using (question)
left join task on task.referral = asked.referral and task.state = 'open'
              and task.pointer = '/questions/' || question
order by task.id
