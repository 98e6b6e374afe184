-- Insights, people and acts: what ops see, who they are, and what they do.
--
-- Latency and promises are counted in the transaction that changes a delivery, by triggers, so that
-- no statement can forget it. A transaction only ever adds rows of its own here; the sweep folds
-- them into minutes, hours and days. So nobody waits for anybody, and a question about 28 days
-- costs the same with a thousand deliveries or ten million.

alter table delivery add column if not exists recalled_at timestamptz;

-- Seconds, each edge a fifth above the one before, with one exactly on every deadline that is
-- counted in calendar hours (1, 4 and 24) and on 3 and 5 days. A bucket holds what is above the
-- edge before it and not above its own.
create function latency_edges() returns double precision[] language sql immutable parallel safe
return array[
        0.25, 0.297, 0.354, 0.42, 0.5, 0.595, 0.707, 0.841, 1, 1.19, 1.41, 1.68, 2, 2.38, 2.83,
        3.36, 4, 4.76, 5.66, 6.73, 8, 9.51, 11.3, 13.5, 16, 19, 22.6, 26.9, 32, 38.1, 45.3,
        53.8, 64, 76.1, 90.5, 108, 128, 152, 181, 215, 256, 304, 362, 431, 512, 609, 724, 861,
        1020, 1220, 1450, 1720, 2050, 2440, 2900, 3600, 4100, 4870, 5790, 6890, 8190, 9740,
        11600, 14400, 16400, 19500, 23200, 27600, 32800, 39000, 46300, 55100, 65500, 77900,
        86400, 110000, 131000, 156000, 185000, 220000, 259200, 312000, 371000, 432000, 524000,
        623000, 741000, 882000, 1050000, 1250000, 1480000, 1760000, 2100000, 2490000, 2970000
    ]::double precision[];

create function latency_bucket(took interval) returns smallint
language sql immutable parallel safe
-- Half a microsecond less, so that what took exactly as long as an edge lies below it.
return width_bucket(extract(epoch from took)::double precision - 5e-7, latency_edges());

-- How long deliveries took from their clock's start until a milestone, when it was met.
create table latency_delta (
    id bigint generated always as identity primary key,
    agency text not null,
    milestone text not null,
    minute timestamptz not null,
    bucket smallint not null,
    count int not null
);

create table latency (
    level text not null check (level in ('minute', 'hour', 'day', 'all')),
    at timestamptz not null,
    agency text not null,
    milestone text not null,
    bucket smallint not null,
    count bigint not null,
    primary key (level, at, agency, milestone, bucket)
);

-- How many deadlines fall into a minute, were withdrawn again, and were kept.
create table promise_delta (
    id bigint generated always as identity primary key,
    agency text not null,
    milestone text not null,
    minute timestamptz not null,
    due int not null,
    withdrawn int not null,
    in_time int not null
);

create table promise (
    level text not null check (level in ('minute', 'hour', 'day', 'all')),
    at timestamptz not null,
    agency text not null,
    milestone text not null,
    due bigint not null,
    withdrawn bigint not null,
    in_time bigint not null,
    primary key (level, at, agency, milestone)
);

-- What was folded and what was not yet, as one.
create view latency_seen as
select level, at, agency, milestone, bucket, count from latency
union all
select level.name,
       case level.name when 'all' then 'epoch' else date_trunc(level.name, minute, 'UTC') end,
       agency, milestone, bucket, count
from latency_delta cross join (values ('minute'), ('hour'), ('day'), ('all')) as level (name);

create view promise_seen as
select level, at, agency, milestone, due, withdrawn, in_time from promise
union all
select level.name, date_trunc(level.name, minute, 'UTC'), agency, milestone, due, withdrawn, in_time
from promise_delta cross join (values ('minute'), ('hour'), ('day')) as level (name);

create function count_new_deliveries() returns trigger language plpgsql as $$
begin
    insert into promise_delta (agency, milestone, minute, due, withdrawn, in_time)
    select agency, promised.milestone, date_trunc('minute', promised.due_at, 'UTC'), count(*), 0, 0
    from new_rows
    cross join lateral (values ('collect', collect_by), ('acknowledge', acknowledge_by),
                               ('decide', decide_by)) as promised (milestone, due_at)
    where promised.due_at is not null
    group by 1, 2, 3;
    return null;
end
$$;

-- A deadline is owed until its delivery ends without it before the time: returned or recalled.
-- One that has passed stays owed, whatever comes later, unless it is moved.
create function count_changed_deliveries() returns trigger language plpgsql as $$
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
        insert into latency_delta (agency, milestone, minute, bucket, count)
        select agency, milestone, date_trunc('minute', met_at, 'UTC'),
               latency_bucket(met_at - clock_start), count(*)
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

create trigger delivery_counted after insert on delivery
    referencing new table as new_rows
    for each statement execute function count_new_deliveries();
create trigger delivery_recounted after update on delivery
    referencing old table as old_rows new table as new_rows
    for each statement execute function count_changed_deliveries();

-- What was there before this migration counts as well.
insert into promise_delta (agency, milestone, minute, due, withdrawn, in_time)
select agency, step.milestone, date_trunc('minute', step.due_at, 'UTC'), count(*), 0,
       count(*) filter (where step.met_at <= step.due_at)
from delivery
cross join lateral (values ('collect', collect_by, collected_at),
                           ('acknowledge', acknowledge_by, acknowledged_at),
                           ('decide', decide_by, decided_at)) as step (milestone, due_at, met_at)
where step.due_at is not null
  and (step.met_at is not null or state not in ('returned', 'recalled')
       or coalesce(returned_at, recalled_at) is null
       or coalesce(returned_at, recalled_at) > step.due_at)
group by 1, 2, 3;

insert into latency_delta (agency, milestone, minute, bucket, count)
select agency, step.milestone, date_trunc('minute', step.met_at, 'UTC'),
       latency_bucket(step.met_at - clock_start), count(*)
from delivery
cross join lateral (values ('collect', collected_at), ('acknowledge', acknowledged_at),
                           ('decide', decided_at)) as step (milestone, met_at)
where step.met_at is not null
group by 1, 2, 3, 4;

-- Breaches of the last hours are found by their deadline, however many there ever were.
create index delivery_late_to_acknowledge on delivery (acknowledge_by)
    where acknowledged_at is null or acknowledged_at > acknowledge_by;
create index delivery_late_to_decide on delivery (decide_by)
    where decided_at is null or decided_at > decide_by;
create index delivery_undelivered_because on delivery (refused_because, agency)
    where state = 'undeliverable';

-- People who look and act. They are never deleted: the history names them.
create table person (
    id uuid primary key,
    name text not null unique check (length(name) between 1 and 100),
    rights text[] not null
        check (rights <@ array['view', 'reveal', 'act', 'bulk', 'policy'] and rights <> '{}'),
    subject text unique,
    created_at timestamptz not null,
    disabled_at timestamptz
);

create table sign_in_link (
    secret_sha256 bytea primary key check (octet_length(secret_sha256) = 32),
    person uuid not null references person,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

create table session (
    secret_sha256 bytea primary key check (octet_length(secret_sha256) = 32),
    person uuid not null references person,
    began_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index session_of_person on session (person) where ended_at is null;

-- What people did, with their words: events carry codes and ids only.
create table act (
    id uuid primary key,
    at timestamptz not null,
    kind text not null,
    by text not null,
    referral uuid references referral,
    delivery uuid references delivery,
    organisation text references organisation,
    reason text not null check (length(reason) between 1 and 500)
);
create index act_of_referral on act (referral, at) where referral is not null;
create index act_of_organisation on act (organisation, at) where organisation is not null;

-- While it is open, nothing is offered to this organisation. Its deadlines run on.
create table stop (
    id uuid primary key,
    organisation text not null references organisation,
    reason text not null check (length(reason) between 1 and 500),
    began_at timestamptz not null,
    began_by text not null,
    ended_at timestamptz,
    ended_by text
);
create unique index stop_open on stop (organisation) where ended_at is null;

-- A replay of many: the filter is kept here and looked at again by the server, never by a page.
create table replay (
    id uuid primary key,
    agency text references organisation,
    cause text,
    before timestamptz not null,
    planned int not null,
    planned_at timestamptz not null,
    planned_by text not null,
    reason text check (length(reason) between 1 and 500),
    per_minute int not null check (per_minute between 1 and 6000),
    state text not null default 'planned'
        check (state in ('planned', 'running', 'paused', 'stopped', 'done')),
    done int not null default 0,
    started_at timestamptz,
    stepped_at timestamptz,
    ended_at timestamptz,
    check (state = 'planned' or reason is not null)
);
create index replay_running on replay (started_at) where state = 'running';

comment on column delivery.recalled_at is 'when it was taken back; what was due later is not owed';
comment on column promise.withdrawn is 'deadlines that were moved away, or ended before their time';
comment on table act is 'each act of a person with its reason; the event has the same instant';
comment on table stop is 'an organisation to which delivery is paused by hand';
comment on column replay.before is 'only what was undeliverable when the plan was made';
comment on column person.subject is 'the subject that an OpenID provider knows this person by';
