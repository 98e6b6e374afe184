-- Open tasks, earliest deadline first: all of them, those of one referral, or the one with this id.
-- A task about bodies without a reference is for all of one fault; how many there are is counted
-- up to 1,000, so that a flood of them does not slow the list.
select task.id, task.code, task.pointer,
       task.message || case when alike.count > 1
                            then ' So far ' || alike.count || ' bodies, since the first one.'
                            else '' end as message,
       task.referral, task.reference,
       task.publisher, task.opened_at as since, task.due_at,
       task.grade as effective_grade, referral.state
from task
left join referral on referral.id = task.referral
left join lateral (
    select count(*) as count
    from (select
          from refusal
          where task.referral is null and task.reference is null
            and refusal.publisher = task.publisher
            and sha256(convert_to(refusal.reason, 'UTF8')) = task.digest
            and refusal.at >= task.opened_at
          limit 1000) as refused
) as alike on true
where task.state = 'open'
  and (%(id)s::uuid is null or task.id = %(id)s)
  and (%(referral)s::uuid is null or task.referral = %(referral)s)
order by task.due_at, task.id
limit %(limit)s
