-- Who gets an email that a question is answered: the member who asked it; and, where another team has
-- the part since, those who are emailed about it there.
select had.agency, had.referral, had.id as delivery, question.member
from question
join delivery had on had.id = question.delivery
join member on member.id = question.member and member.disabled_at is null and member.gets_mail
where question.id = %(id)s
union all
select mailed.agency, mailed.referral, mailed.delivery, mailed.member
from question
join delivery had on had.id = question.delivery
join delivery has on has.referral = had.referral and has.agency <> had.agency
                 and has.kind = 'referral' and has.sent_on_at is null
                 and has.state not in ('held', 'returned', 'recalled') and took_over(has.*, had.*)
join mailed_member mailed on mailed.delivery = has.id
where question.id = %(id)s
