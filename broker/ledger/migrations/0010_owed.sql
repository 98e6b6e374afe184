-- Which deadlines are owed while a clock stands; and what keeps the pages quick with a long history.

-- A deadline is owed unless its delivery ends without it before the time, or its clock stands: then
-- it comes back, moved, when the clock goes on. One that has passed stays owed, unless it is moved.
create function owed(due timestamptz, met_at timestamptz, milestone text, state text,
                     ended_at timestamptz, standing text[], paused_at timestamptz)
returns boolean language sql immutable parallel safe
return due is not null
       and (met_at is not null
            or running(due, milestone, standing, paused_at) is not null
               and (state not in ('returned', 'recalled') or ended_at is null or ended_at > due));

-- As in 0007, but for what is owed.
create or replace function count_changed_deliveries() returns trigger language plpgsql as $$
begin
    with changed as materialized (
        select later.agency, later.clock_start, step.*,
               owed(step.was_due_at, step.was_met_at, step.milestone, earlier.state,
                    coalesce(earlier.returned_at, earlier.recalled_at), earlier.standing,
                    earlier.paused_at) as was_owed,
               owed(step.due_at, step.met_at, step.milestone, later.state,
                    coalesce(later.returned_at, later.recalled_at), later.standing,
                    later.paused_at) as owed,
               coalesce(step.was_met_at <= step.was_due_at, false) as was_in_time,
               coalesce(step.met_at <= step.due_at, false) as in_time,
               step.was_due_at is distinct from step.due_at as moved
        from old_rows earlier
        join new_rows later using (id)
        cross join lateral (values
            ('collect', earlier.collect_by, later.collect_by, earlier.collected_at,
             later.collected_at),
            ('acknowledge', earlier.acknowledge_by, later.acknowledge_by, earlier.acknowledged_at,
             later.acknowledged_at),
            ('decide', earlier.decide_by, later.decide_by, earlier.decided_at, later.decided_at)
        ) as step (milestone, was_due_at, due_at, was_met_at, met_at)
        where (earlier.state, earlier.collect_by, earlier.acknowledge_by, earlier.decide_by,
               earlier.collected_at, earlier.acknowledged_at, earlier.decided_at,
               earlier.returned_at, earlier.recalled_at, earlier.paused_at, earlier.standing)
              is distinct from
              (later.state, later.collect_by, later.acknowledge_by, later.decide_by,
               later.collected_at, later.acknowledged_at, later.decided_at, later.returned_at,
               later.recalled_at, later.paused_at, later.standing)
    ),
    took as (
        insert into latency_delta (agency, milestone, minute, bucket, count, microseconds)
        select agency, milestone, date_trunc('minute', met_at, 'UTC'),
               latency_bucket(met_at - clock_start), count(*),
               sum(greatest(extract(epoch from met_at - clock_start), 0) * 1000000)
        from changed
        where was_met_at is null and met_at is not null
        group by 1, 2, 3, 4
    ),
    kept as (
        select agency, milestone, was_due_at as at, 0 as due,
               (was_owed and (moved or not owed))::int as withdrawn,
               -(was_in_time and (moved or not in_time))::int as in_time
        from changed
        where was_due_at is not null
        union all
        select agency, milestone, due_at, (owed and (moved or not was_owed))::int, 0,
               (in_time and (moved or not was_in_time))::int
        from changed
        where due_at is not null
    )
    insert into promise_delta (agency, milestone, minute, due, withdrawn, in_time)
    select agency, milestone, date_trunc('minute', at, 'UTC'), sum(due), sum(withdrawn),
           sum(in_time)
    from kept
    where due <> 0 or withdrawn <> 0 or in_time <> 0
    group by 1, 2, 3;
    return null;
end
$$;

-- Clocks that stand now: what had been counted as owed is withdrawn.
insert into promise_delta (agency, milestone, minute, due, withdrawn, in_time)
select agency, step.milestone, date_trunc('minute', step.due_at, 'UTC'), 0, count(*), 0
from delivery
cross join lateral (values ('collect', collect_by, collected_at),
                           ('acknowledge', acknowledge_by, acknowledged_at),
                           ('decide', decide_by, decided_at)) as step (milestone, due_at, met_at)
where paused_at is not null
  and owed(step.due_at, step.met_at, step.milestone, state, coalesce(returned_at, recalled_at),
           '{}', null)
  and not owed(step.due_at, step.met_at, step.milestone, state,
               coalesce(returned_at, recalled_at), standing, paused_at)
group by 1, 2, 3;

-- What came back and went on to somebody else needs nobody any more.
alter table delivery add column sent_on_at timestamptz;
update delivery
set sent_on_at = successor.available_at
from delivery successor
where successor.replaces = delivery.id and delivery.state = 'returned';
comment on column delivery.sent_on_at is 'when what was returned got its successor';

-- Most who ask want one milestone: it is read without the others.
alter table latency drop constraint latency_pkey;
alter table latency add primary key (level, milestone, at, agency, bucket);

-- Every change of an open delivery paid for these: what is open is looked through instead.
create index delivery_late_to_collect on delivery (collect_by)
    where collected_at > collect_by or collected_at is null and state in ('returned', 'recalled');
drop index delivery_late_to_acknowledge;
create index delivery_late_to_acknowledge on delivery (acknowledge_by)
    where acknowledged_at > acknowledge_by
       or acknowledged_at is null and state in ('returned', 'recalled');
drop index delivery_late_to_decide;
create index delivery_late_to_decide on delivery (decide_by)
    where decided_at > decide_by or decided_at is null and state in ('returned', 'recalled');
alter table delivery drop constraint delivery_replaces_key;
create unique index delivery_replaces on delivery (replaces) where replaces is not null;
