-- Settle open tasks, and end their escalations, with the events of both. A task that another
-- transaction settled meanwhile is left as it is.
with settled as (
    update task
    set state = 'settled', settled_at = %(now)s, settled_by = %(by)s,
        settled_because = %(because)s, next_alarm_at = null
    where id = any(%(ids)s::uuid[]) and state = 'open'
    returning id, referral, publisher, code, pointer
),
ended as (
    update escalation
    set state = 'ended', ended_at = %(now)s, ended_because = 'met', next_step_at = null
    from settled
    where escalation.task = settled.id and escalation.state in ('open', 'acknowledged')
    returning escalation.id, escalation.organisation, escalation.milestone, settled.referral,
              settled.publisher
),
history as (
    insert into event (at, kind, publisher, referral, actor, data)
    select %(now)s,
           case when referral is null then 'organisation' else 'referral' end || '.task_settled',
           publisher, referral, %(by)s,
           jsonb_build_object('task', id, 'code', code, 'pointer', pointer,
                              'because', %(because_code)s::text)
    from settled
    union all
    select %(now)s,
           case when referral is null then 'organisation' else 'referral' end
               || '.escalation_ended',
           publisher, referral, %(by)s,
           jsonb_build_object('escalation', id, 'milestone', milestone, 'because', 'met')
    from ended
)
select id, referral from settled order by id
