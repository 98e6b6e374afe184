-- Advance every running replay by as much as its pace allows: each delivery once a replay, and never
-- more than the number that was confirmed. Acts of one instant need no order in their ids.
with running as (
    select id, agency, cause, before, started_by, reason, greatest(planned - done, 0) as remaining,
           floor(per_minute * extract(epoch from %(now)s::timestamptz - stepped_at) / 60)::int
               as budget
    from replay
    where state = 'running' and kind = 'replay'
    order by started_at
    for no key update skip locked
),
taken as (
    select running.id as replay, running.started_by as by, running.reason, candidate.id, candidate.state
    from running
    cross join lateral (
        select delivery.id, delivery.state
        from delivery
        where delivery.state = 'undeliverable' and delivery.undeliverable_at <= running.before
          and (delivery.kind = 'recall'
                   or (select stands(referral.*) from referral where referral.id = delivery.referral))
          and (running.agency is null or delivery.agency = running.agency)
          and (running.cause is null or delivery.refused_because = running.cause)
          and not exists (
              select from event
              where event.referral = delivery.referral and event.delivery = delivery.id
                and event.kind = 'delivery.replayed'
                and event.data ->> 'replay' = running.id::text)
        order by delivery.acknowledge_by nulls last, delivery.id
        limit least(running.budget, running.remaining, %(limit)s)
        for no key update skip locked
    ) as candidate
),
replayed as (
    update delivery
    set state = 'available', refused_because = null, sendings = 0, deferrals = 0,
        next_attempt_at = push_due_at(channel, %(now)s::timestamptz)
    from taken
    where delivery.id = taken.id and delivery.state = taken.state
    returning delivery.id, delivery.referral, delivery.agency, delivery.attempt, taken.replay,
              taken.by, taken.reason
),
action as (
    insert into act (id, at, kind, by, referral, delivery, organisation, reason)
    select gen_random_uuid(), %(now)s, 'delivery.replayed', by, referral, id, agency, reason
    from replayed
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s, 'delivery.replayed', referral.publisher, referral.id, replayed.id,
           replayed.agency, replayed.by,
           jsonb_build_object('attempt', replayed.attempt, 'replay', replayed.replay)
    from replayed join referral on referral.id = replayed.referral
),
counted as (
    select running.id, running.budget, count(replayed.id) as count
    from running left join replayed on replayed.replay = running.id
    group by running.id, running.budget
)
update replay
set done = done + counted.count, stepped_at = %(now)s,
    state = case when counted.count = 0 then 'done' else state end,
    ended_at = case when counted.count = 0 then %(now)s::timestamptz end
from counted
where replay.id = counted.id and replay.state = 'running' and counted.budget > 0
returning replay.id, counted.count
