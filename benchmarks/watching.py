"""What the watch costs as the ledger grows: its time goes with what is due, not with what exists.

Open deliveries are added until there are as many as the largest of ``SIZES``; at each size the
watch looks when nothing is due, and when 1,000 alarms are. Run it with ``python -m
benchmarks.watching``; it prints one line of JSON, times in milliseconds.
"""

from __future__ import annotations

import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from broker.bootstrap import new_uuid7, open_broker
from broker.embedded import Engines
from broker.flow.parts import Broker
from broker.flow.publish import publish
from broker.flow.watch import watch
from broker.ledger.ledger import Ledger
from broker.ledger.migrate import migrate
from broker.policy.book import documents_from
from broker.settings import Settings

ROOT = Path(__file__).parent.parent
SIZES = (10_000, 100_000, 1_000_000)
DUE = 1000
ROUNDS = 5
NOW = datetime(2026, 12, 14, 10, tzinfo=UTC)
REFERRALS = """
insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at,
                      effective_grade, policy_version, directory_version)
select gen_random_uuid(), 'staffordshire-police', 'OCC/' || n, %(digest)s, 'routed', %(now)s,
       %(now)s, 'medium', version, version
from generate_series(%(first)s::int, %(last)s::int) n, policy
"""
DELIVERIES = """
insert into delivery (id, referral, agency, channel, role, policy_row, view, state, available_at,
                      clock_start, acknowledge_by, next_alarm_at)
select gen_random_uuid(), id, 'shropshire-csc', 'mailbox', 'lead', 'social-care', 'social-care',
       'available', %(now)s, %(now)s, %(now)s + interval '30 days', %(now)s + interval '15 days'
from referral where not exists (select from delivery where delivery.referral = referral.id)
"""
REASONS = """
insert into delivery_reason (delivery, scope, explanation)
select id, '{}', jsonb_build_object('deadlines', jsonb_build_array(jsonb_build_object(
    'milestone', 'acknowledge', 'within', '1 hour', 'may_pause', false,
    'start', clock_start, 'due_at', acknowledge_by)))
from delivery where not exists (select from delivery_reason where delivery = delivery.id)
"""
MAKE_DUE = """
with some as (select id from delivery where next_alarm_at > %(now)s limit %(due)s),
moved as (
    update delivery
    set next_alarm_at = %(now)s, clock_start = %(start)s, acknowledge_by = %(due_at)s
    from some where delivery.id = some.id returning delivery.id
)
update delivery_reason
set explanation = jsonb_build_object('deadlines', jsonb_build_array(jsonb_build_object(
    'milestone', 'acknowledge', 'within', '1 hour', 'may_pause', false,
    'start', %(start)s::timestamptz, 'due_at', %(due_at)s::timestamptz)))
from moved where delivery_reason.delivery = moved.id
"""


def main() -> None:
    """Measure and print."""
    found: dict[str, Any] = {}
    with Engines() as engines:
        dsn = engines.database_url
        migrate(dsn)
        with Ledger.open(dsn, application_name="benchmark") as ledger:
            publish(ledger, documents_from(ROOT / "policies" / "england"), now=NOW)
        settings = Settings(dsn, engines.wakeup_url, engines.exchange_url)
        with open_broker(settings, part="benchmark", clock=lambda: NOW, new_id=new_uuid7) as broker:
            made = 0
            for size in SIZES:
                _grow(dsn, made + 1, size)
                made = size
                found[str(size)] = {
                    "idle_ms": _median(lambda: watch(broker)),
                    f"due_{DUE}_ms": _median(lambda: _ring(broker, dsn), lambda: _due(dsn)),
                }
    first, last = found[str(SIZES[0])], found[str(SIZES[-1])]
    ratio = {name: round(last[name] / first[name], 2) for name in first}
    print(json.dumps({"sizes": found, "ratio_largest_to_smallest": ratio}))


def _grow(dsn: str, first: int, last: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        asked = {"first": first, "last": last, "digest": bytes(32), "now": NOW}
        for statement in (REFERRALS, DELIVERIES, REASONS):
            connection.execute(statement.encode(), asked)
        connection.execute("vacuum analyze")


def _due(dsn: str) -> None:
    """Let a thousand be half way to a deadline of the same hour."""
    half = timedelta(minutes=30)
    asked = {"now": NOW, "due": DUE, "start": NOW - half, "due_at": NOW + half}
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(MAKE_DUE.encode(), asked)


def _ring(broker: Broker, dsn: str) -> None:
    watch(broker)
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select count(*) from delivery where next_alarm_at <= %s", [NOW])
        left = row.fetchone()
    if left != (0,):
        raise AssertionError("Alarms that were due have not rung.")


def _median(work: Any, before: Any = lambda: None) -> float:
    times = []
    for _ in range(ROUNDS):
        before()
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return round(statistics.median(times), 2)


if __name__ == "__main__":
    main()
