"""Watch: what it costs as the ledger grows; its time goes with what is due, not with what exists.

Open deliveries are added until there are as many as in the large ledger; at a hundredth, a tenth
and the whole of it the watch looks when nothing is due, and when 1,000 alarms are.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.ours import mailbox, must_be_equal
from benchmarks.results import Figure
from benchmarks.world import World
from broker.bootstrap import new_uuid7, open_broker
from broker.flow.context import Context
from broker.flow.deadlines import watch
from broker.settings import Settings

DUE = 1000
"""Fewer in little: each round takes others."""
ROUNDS = 5
AIM = 0.8
"""At most a quarter slower: times of some milliseconds differ by that much by themselves."""
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
with fresh as (
    select id from delivery where next_alarm_at > %(now)s + interval '1 day' limit %(due)s
),
moved as (
    update delivery
    set next_alarm_at = %(now)s, clock_start = %(start)s, acknowledge_by = %(due_at)s
    from fresh where delivery.id = fresh.id returning delivery.id
)
update delivery_reason
set explanation = jsonb_build_object('deadlines', jsonb_build_array(jsonb_build_object(
    'milestone', 'acknowledge', 'within', '1 hour', 'may_pause', false,
    'start', %(start)s::timestamptz, 'due_at', %(due_at)s::timestamptz)))
from moved where delivery_reason.delivery = moved.id
"""


def measure(world: World) -> Figure:
    """Measure at each size; the largest counts, beside the smallest."""
    dsn = world.database("ours_watch", mailbox)
    largest = world.sizes.open
    sizes = (largest // 100, largest // 10, largest)
    settings = Settings(dsn, world.engines.wakeup_url, world.engines.exchange_url)
    some = min(DUE, sizes[0] // (2 * ROUNDS))
    idle, due = [], []
    with open_broker(settings, process="benchmark", clock=lambda: NOW, new_id=new_uuid7) as context:
        for made, size in zip((0, *sizes), sizes, strict=False):
            _grow(dsn, made + 1, size)
            idle.append(statistics.median(_seconds(context, 0) for _ in range(ROUNDS)) * 1000)
            due.append(
                statistics.median(_seconds(context, _due(dsn, some)) for _ in range(ROUNDS)) * 1000
            )
    return Figure(
        due[-1],
        f"ms for {some:,} due",
        ratio={"to the smallest": due[0] / due[-1]},
        notes={
            "open deliveries": sizes,
            f"ms for {some:,} due": [round(milliseconds, 1) for milliseconds in due],
            "ms for none due": [round(milliseconds, 2) for milliseconds in idle],
        },
        aims={"to the smallest": AIM},
    )


def _grow(dsn: str, first: int, last: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        asked = {"first": first, "last": last, "digest": bytes(32), "now": NOW}
        for statement in (REFERRALS, DELIVERIES, REASONS):
            connection.execute(statement.encode(), asked)
        connection.execute("vacuum analyze")


def _due(dsn: str, some: int) -> int:
    """Let so many be half way to a deadline of the same hour; return how many it was."""
    half = timedelta(minutes=30)
    asked = {"now": NOW, "due": some, "start": NOW - half, "due_at": NOW + half}
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(MAKE_DUE.encode(), asked).rowcount


def _seconds(context: Context, due: int) -> float:
    begun = time.perf_counter()
    rung = watch(context)
    seconds = time.perf_counter() - begun
    must_be_equal("alarms that rang", rung, due)
    return seconds
