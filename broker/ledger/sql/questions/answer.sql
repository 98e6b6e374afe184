-- Write the answer to a question about a publisher's own referral, with the version of it that
-- answers; the first one stands.
with answered as (
    insert into question_answer (question, at, given_by, text, version)
    select question.id, %(now)s, %(by)s, %(text)s, %(version)s
    from question
    join delivery on delivery.id = question.delivery
    join referral on referral.id = delivery.referral
    where question.id = %(id)s and referral.publisher = %(publisher)s
      and not exists (select from question_closing where question_closing.question = question.id)
      and (%(version)s::int is null or %(version)s <= referral.version)
    on conflict (question) do nothing
    returning question, version
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, 'delivery.question_answered', referral.publisher, referral.id, delivery.id,
           delivery.agency, %(actor)s,
           jsonb_build_object('question', answered.question, 'version', answered.version)
    from answered
    join question on question.id = answered.question
    join delivery on delivery.id = question.delivery
    join referral on referral.id = delivery.referral
)
select question from answered
