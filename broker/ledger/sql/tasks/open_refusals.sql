-- Open a task about each body that was refused, unless one about it, or about another body under its
-- reference (without one: another body with its fault), is open already or comes earlier in this
-- batch, or the publisher has so many that one more would tell nobody anything.
-- A body has no id of a referral, so its event is one of the publisher's.
with wanted as (
    select distinct on (publisher, coalesce(reference, encode(digest, 'hex'))) *
    from unnest(%(publishers)b::text[], %(references)b::text[], %(digests)b::bytea[],
                %(messages)b::text[], %(grades)b::text[], %(policies)b::text[],
                %(opened)b::timestamptz[], %(due)b::timestamptz[], %(alarms)b::timestamptz[])
        with ordinality
        as row (publisher, reference, digest, message, grade, policy_version, opened_at, due_at,
                next_alarm_at, place)
    order by publisher, coalesce(reference, encode(digest, 'hex')), place
),
-- What is open already takes the place of none that is new.
absent as (
    select wanted.*, row_number() over (partition by wanted.publisher order by wanted.place) as nth
    from wanted
    where not exists (
        select
        from task
        where task.publisher = wanted.publisher and task.state = 'open' and task.referral is null
          and coalesce(task.reference, encode(task.digest, 'hex'))
              = coalesce(wanted.reference, encode(wanted.digest, 'hex')))
),
open_already as (
    select publisher, count(*) as count
    from task
    where publisher = any(%(publishers)b::text[]) and referral is null and state = 'open'
    group by publisher
),
opened as (
    insert into task (publisher, reference, digest, code, message, grade, policy_version, opened_at,
                      due_at, next_alarm_at)
    select publisher, reference, digest, %(code)s, message, grade, policy_version, opened_at,
           due_at, next_alarm_at
    from absent
    where nth + coalesce((select count
                          from open_already
                          where open_already.publisher = absent.publisher), 0) <= %(most)s
    -- In one order everywhere, so that two batches never wait for each other.
    order by publisher, coalesce(reference, encode(digest, 'hex'))
    on conflict (publisher, coalesce(reference, encode(digest, 'hex')))
        where state = 'open' and referral is null do nothing
    returning id, publisher, reference, code, due_at, opened_at
)
insert into event (at, kind, publisher, actor, data)
select opened_at, 'organisation.task_opened', publisher, 'broker',
       jsonb_build_object('task', id, 'code', code, 'due_at', due_at, 'reference', reference)
from opened
