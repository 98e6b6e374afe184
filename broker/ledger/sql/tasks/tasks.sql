-- Open tasks, earliest deadline first: all of them, those of one referral, or the one with this id.
select task.id, task.code, task.pointer, task.message, task.referral, task.reference,
       task.publisher, task.opened_at as since, task.due_at,
       task.grade as effective_grade, referral.state
from task left join referral on referral.id = task.referral
where task.state = 'open'
  and (%(id)s::uuid is null or task.id = %(id)s)
  and (%(referral)s::uuid is null or task.referral = %(referral)s)
order by task.due_at, task.id
limit %(limit)s
