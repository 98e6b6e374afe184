-- Take the tasks whose next alarm is due and that nobody else holds, longest due first.
with due as (
    select id
    from task
    where next_alarm_at <= %(now)s
    order by next_alarm_at, id
    limit %(limit)s
    for no key update skip locked
)
select task.id as task, task.referral, task.publisher, task.code as state, task.policy_version,
       task.opened_at, task.due_at,
       (select coalesce(jsonb_agg(jsonb_build_array(milestone, percent, planned_at)), '[]')
        from alarm where subject = task.id) as fired
from due
join task on task.id = due.id
where task.state = 'open'
order by task.id
