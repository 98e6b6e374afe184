-- Keep minutes for three days and hours for forty; days older than that become one sum.
with minutes as (
    delete from latency where level = 'minute' and at < %(now)s::timestamptz - interval '3 days'
),
hours as (
    delete from latency where level = 'hour' and at < %(now)s::timestamptz - interval '40 days'
),
days as (
    delete from latency where level = 'day' and at < %(now)s::timestamptz - interval '60 days'
),
promised_minutes as (
    delete from promise where level = 'minute' and at < %(now)s::timestamptz - interval '3 days'
),
promised_hours as (
    delete from promise where level = 'hour' and at < %(now)s::timestamptz - interval '40 days'
),
old as (
    delete from promise where level = 'day' and at < %(now)s::timestamptz - interval '60 days'
    returning agency, milestone, due, withdrawn, in_time
)
insert into promise (level, at, agency, milestone, due, withdrawn, in_time)
select 'all', 'epoch', agency, milestone, sum(due), sum(withdrawn), sum(in_time)
from old
group by agency, milestone
on conflict (level, at, agency, milestone) do update
set due = promise.due + excluded.due, withdrawn = promise.withdrawn + excluded.withdrawn,
    in_time = promise.in_time + excluded.in_time
