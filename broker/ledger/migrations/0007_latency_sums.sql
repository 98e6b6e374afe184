-- How long deliveries took in sum, beside how many took how long: the mean of any stretch of time
-- follows from two sums and two counts, however the buckets lie.

alter table latency_delta add column microseconds bigint not null default 0;
alter table latency add column microseconds bigint not null default 0;

create or replace view latency_seen as
select level, at, agency, milestone, bucket, count, microseconds from latency
union all
select level.name,
       case level.name when 'all' then 'epoch' else date_trunc(level.name, minute, 'UTC') end,
       agency, milestone, bucket, count, microseconds
from latency_delta cross join (values ('minute'), ('hour'), ('day'), ('all')) as level (name);

-- As in 0006, with the sum.
create or replace function count_changed_deliveries() returns trigger language plpgsql as $$
begin
    with changed as materialized (
        select later.agency, later.clock_start, step.*,
               step.was_due_at is not null
                   and (step.was_met_at is not null or earlier.state not in ('returned', 'recalled')
                        or coalesce(earlier.returned_at, earlier.recalled_at) is null
                        or coalesce(earlier.returned_at, earlier.recalled_at) > step.was_due_at)
                   as was_owed,
               step.due_at is not null
                   and (step.met_at is not null or later.state not in ('returned', 'recalled')
                        or coalesce(later.returned_at, later.recalled_at) is null
                        or coalesce(later.returned_at, later.recalled_at) > step.due_at)
                   as owed,
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
               earlier.returned_at, earlier.recalled_at)
              is distinct from
              (later.state, later.collect_by, later.acknowledge_by, later.decide_by,
               later.collected_at, later.acknowledged_at, later.decided_at, later.returned_at,
               later.recalled_at)
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

-- What was counted before: all of it stands in the sum of everything, in whatever row it was folded.
insert into latency (level, at, agency, milestone, bucket, count, microseconds)
select 'all', timestamptz 'epoch', agency, step.milestone, latency_bucket(step.met_at - clock_start), 0,
       sum(greatest(extract(epoch from step.met_at - clock_start), 0) * 1000000)
from delivery
cross join lateral (values ('collect', collected_at), ('acknowledge', acknowledged_at),
                           ('decide', decided_at)) as step (milestone, met_at)
where step.met_at is not null
group by 1, 2, 3, 4, 5
on conflict (level, at, agency, milestone, bucket) do update set microseconds = excluded.microseconds;

comment on column latency.microseconds is 'how long they took together; before 0007 only at level all';
