"""A long history behind the pages, made inside PostgreSQL, and counted as if it had happened."""

import psycopg

from broker.ledger.ledger import Ledger
from tests.browser.conftest import NOW

LEGS = 3
FINISHED = """
with agencies as (
    select array_agg(code order by code) as codes from organisation where kind <> 'ops'
),
made as (
    insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at, grade,
                          effective_grade, policy_version, closed_at)
    select gen_random_uuid(), 'staffordshire-police', 'OLD/' || n,
           decode(repeat('00', 32), 'hex'), 'closed', at, at, 'high', 'high',
           (select version from policy limit 1), at + interval '1 day'
    from generate_series(1, %(count)s::int) n
    cross join lateral (
        select %(now)s - interval '10 hours' - n * (interval '28 days' / %(count)s) as at
    ) as spread
    returning id, accepted_at
),
numbered as (select *, row_number() over () as n from made)
insert into delivery (id, referral, agency, channel, role, policy_row, view, state, available_at,
                      clock_start, acknowledge_by, decide_by, collected_at, acknowledged_at,
                      decided_at, attempt)
select gen_random_uuid(), id, codes[1 + ((n * 7 + leg * 11) %% array_length(codes, 1))], 'mailbox',
       'lead', 'social-care', 'social-care', 'decided', accepted_at, accepted_at,
       accepted_at + interval '4 hours', accepted_at + interval '1 day',
       accepted_at + make_interval(secs => 20 + n %% 600),
       accepted_at + make_interval(secs => 700 + (n * 13) %% 15000),
       accepted_at + make_interval(hours => 5 + (n %% 20)::int), 1
from numbered cross join agencies cross join generate_series(1, %(legs)s) leg
"""
INDEXES = """
select indexname, indexdef from pg_indexes
where schemaname = 'public' and tablename = any(%s)
  and indexname not in (select conname from pg_constraint where contype in ('p', 'u'))
"""
COUNTED = """
insert into {table}
select level.name, date_trunc(level.name, minute, 'UTC'), agency, milestone, {values}
from {table}_delta
cross join (values ('minute'), ('hour'), ('day')) as level (name)
where level.name <> 'minute' or minute > %(now)s::timestamptz - interval '3 days'
group by {keys}
order by 2
"""
COUNTING = (
    """
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
group by 1, 2, 3
""",
    """
insert into latency_delta (agency, milestone, minute, bucket, count)
select agency, step.milestone, date_trunc('minute', step.met_at, 'UTC'),
       latency_bucket(step.met_at - clock_start), count(*)
from delivery
cross join lateral (values ('collect', collected_at), ('acknowledge', acknowledged_at),
                           ('decide', decided_at)) as step (milestone, met_at)
where step.met_at is not null
group by 1, 2, 3, 4
""",
)
"""What the triggers would have counted of rows that were copied without them."""
BUCKETS = ("bucket, sum(count), sum(microseconds)", "1, 2, 3, 4, 5")
SUMS = ("sum(due), sum(withdrawn), sum(in_time)", "1, 2, 3, 4")


def make(dsn: str, deliveries: int) -> None:
    """Make deliveries that 28 days brought and that were all decided, some of them late.

    Indexes are made afterwards: with them the rows would take several times as long.
    """
    params = {"now": NOW, "count": deliveries // LEGS, "legs": LEGS}
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # counted below, at once
        indexes = connection.execute(INDEXES, [["referral", "delivery"]]).fetchall()
        for name, _ in indexes:
            connection.execute(f"drop index {name}".encode())
        connection.execute(FINISHED.encode(), params)
        for _, definition in indexes:
            connection.execute(definition.encode())
        for statement in COUNTING:
            connection.execute(statement.encode())
        for table, (values, keys) in {"latency": BUCKETS, "promise": SUMS}.items():
            counted = COUNTED.format(table=table, values=values, keys=keys)
            connection.execute(counted.encode(), params)
            connection.execute(f"truncate {table}_delta".encode())
        connection.execute("vacuum (analyze)")
    with Ledger.open(dsn, application_name="tests") as ledger:
        due = ledger.statistics.deadline_counts(("28d",), now=NOW)["28d"].values()
        assert sum(deadline.due for deadline in due) > deliveries
