-- Add up what transactions counted into minutes, hours and days, oldest first.
with took as (
    delete from latency_delta
    where id in (select id from latency_delta order by id limit %(limit)s for update skip locked)
    returning agency, milestone, minute, bucket, count, microseconds
),
met as (
    delete from promise_delta
    where id in (select id from promise_delta order by id limit %(limit)s for update skip locked)
    returning agency, milestone, minute, due, withdrawn, in_time
),
latencies as (
    insert into latency (level, at, agency, milestone, bucket, count, microseconds)
    select level.name, case level.name when 'all' then 'epoch'
                                       else date_trunc(level.name, minute, 'UTC') end,
           agency, milestone, bucket, sum(count), sum(microseconds)
    from took cross join (values ('minute'), ('hour'), ('day'), ('all')) as level (name)
    group by 1, 2, 3, 4, 5
    on conflict (level, at, agency, milestone, bucket) do update
    set count = latency.count + excluded.count, microseconds = latency.microseconds + excluded.microseconds
),
promises as (
    insert into promise (level, at, agency, milestone, due, withdrawn, in_time)
    select level.name, date_trunc(level.name, minute, 'UTC'), agency, milestone, sum(due),
           sum(withdrawn), sum(in_time)
    from met cross join (values ('minute'), ('hour'), ('day')) as level (name)
    group by 1, 2, 3, 4
    on conflict (level, at, agency, milestone) do update
    set due = promise.due + excluded.due, withdrawn = promise.withdrawn + excluded.withdrawn,
        in_time = promise.in_time + excluded.in_time
)
select (select count(*) from took) + (select count(*) from met) as folded
