-- Open what ops must settle about these referrals, each with its event; what is open already stays
-- as it is, with its deadline.
with wanted as (
    select *
    from unnest(%(referrals)b::uuid[], %(publishers)b::text[], %(references)b::text[],
                %(versions)b::int[], %(codes)b::text[], %(pointers)b::text[], %(messages)b::text[],
                %(grades)b::text[], %(policies)b::text[], %(due)b::timestamptz[],
                %(alarms)b::timestamptz[])
        with ordinality
        as row (referral, publisher, reference, version, code, pointer, message, grade,
                policy_version, due_at, next_alarm_at, place)
),
opened as (
    insert into task (referral, publisher, reference, version, code, pointer, message, grade,
                      policy_version, opened_at, due_at, next_alarm_at)
    select referral, publisher, reference, version, code, pointer, message, grade, policy_version,
           %(now)s, due_at, next_alarm_at
    from wanted
    order by place
    on conflict (referral, code, pointer) where state = 'open' and referral is not null do nothing
    returning id, referral, publisher, code, pointer, due_at
)
insert into event (at, kind, publisher, referral, actor, data)
select %(now)s, 'referral.task_opened', publisher, referral, %(actor)s,
       jsonb_build_object('task', id, 'code', code, 'pointer', pointer, 'due_at', due_at)
from opened
