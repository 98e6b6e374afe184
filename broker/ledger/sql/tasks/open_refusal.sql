-- Open a task about a body that was refused, unless one about it, or about another body under its
-- reference (without one: another body with its fault), is open already, or the publisher has so
-- many that one more would tell nobody anything.
-- A body has no id of a referral, so its event is one of the publisher's.
with opened as (
    insert into task (publisher, reference, digest, code, message, grade, policy_version, opened_at,
                      due_at, next_alarm_at)
    select %(publisher)s, %(reference)s, %(digest)s, %(code)s, %(message)s, %(grade)s, %(policy)s,
           %(now)s, %(due)s, %(alarm)s
    where (select count(*)
           from task
           where publisher = %(publisher)s and referral is null and state = 'open') < %(most)s
    on conflict (publisher, coalesce(reference, encode(digest, 'hex')))
        where state = 'open' and referral is null do nothing
    returning id, publisher, reference, code, due_at
)
insert into event (at, kind, publisher, actor, data)
select %(now)s, 'organisation.task_opened', publisher, 'broker',
       jsonb_build_object('task', id, 'code', code, 'due_at', due_at, 'reference', reference)
from opened
