-- Close the questions about these referrals whose agency has no longer what it asked about, each with
-- its event. The referrals are locked, so no answer comes at the same time. Returns their tasks.
with closed as (
    insert into question_closing (question, at, because)
    select question.id, %(now)s, delivery_end(delivery.*, referral.*)
    from delivery
    join question on question.delivery = delivery.id
    join referral on referral.id = delivery.referral
    where delivery.referral = any(%(referrals)s::uuid[])
      and not exists (select from question_answer where question_answer.question = question.id)
      and delivery_end(delivery.*, referral.*) is not null
    order by question.id
    on conflict (question) do nothing
    returning question, because
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, 'delivery.question_closed', referral.publisher, referral.id, delivery.id,
           delivery.agency, %(actor)s,
           jsonb_build_object('question', closed.question, 'because', closed.because)
    from closed
    join question on question.id = closed.question
    join delivery on delivery.id = question.delivery
    join referral on referral.id = delivery.referral
    order by closed.question
)
select task.id
from closed
join question on question.id = closed.question
join delivery on delivery.id = question.delivery
join task on task.referral = delivery.referral and task.state = 'open'
         and task.pointer = '/questions/' || closed.question
order by task.id
