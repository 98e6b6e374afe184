"""Two real workers watch; one of them hangs, and no alarm rings twice, late or never."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from broker.devstack.engines import Engines
from tests.acceptance.stack import Stack
from tests.conftest import eventually

COUNT = 1000
REFERRALS = """
insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at,
                      effective_grade, policy_version, directory_version)
select gen_random_uuid(), 'staffordshire-police', 'OCC/' || n, %(digest)s, 'routed', %(now)s,
       %(now)s, 'immediate', version, version
from generate_series(%(one)s::int, %(last)s::int) n, policy
"""
DELIVERIES = """
insert into delivery (id, referral, agency, channel, role, policy_row, view, state, available_at,
                      clock_start, acknowledge_by, next_alarm_at)
select gen_random_uuid(), id, 'shropshire-edt', 'mailbox', 'lead', 'social-care', 'social-care',
       'available', %(now)s, %(now)s, at + interval '30 minutes', at
from (select id, %(first)s + (row_number() over ()) * interval '1 millisecond' as at
      from referral
      where not exists (select from delivery where referral = referral.id)) planned
"""
REASONS = """
insert into delivery_reason (delivery, scope, explanation)
select id, '{}', jsonb_build_object('deadlines', jsonb_build_array(jsonb_build_object(
    'milestone', 'acknowledge', 'within', '1 hour', 'may_pause', false,
    'start', next_alarm_at - interval '30 minutes', 'due_at', acknowledge_by)))
from delivery
where not exists (select from delivery_reason where delivery = delivery.id)
"""
"""Each is half way to its deadline when it is planned to ring for the first time."""


def ask(dsn: str, question: str, **values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute(question.encode(), values)
        return cursor.fetchall() if cursor.description else []


def plan(dsn: str, numbers: range, first: datetime) -> None:
    """Let an alarm of each of these be due, the first at an instant, a millisecond between them."""
    plan = {"digest": bytes(32), "now": datetime.now(UTC), "first": first}
    for statement in (REFERRALS, DELIVERIES, REASONS):
        ask(dsn, statement, **plan, one=numbers[0], last=numbers[-1])


@contextmanager
def two_workers(engines: Engines, dsn: str, folder: Path) -> Iterator[Stack]:
    stack = Stack(engines, dsn, folder)
    watching = "select count(*) from pg_stat_activity where application_name = 'broker watching'"
    try:
        stack.workers = [stack.start_worker() for _ in range(2)]
        eventually(lambda: ask(dsn, watching)[0][0] >= 2)
        for number, idle in enumerate(stack.workers, start=1):
            ring_without(idle.pid, dsn, number)
        yield stack
    finally:
        stack.close()


def alarms(dsn: str) -> int:
    return int(ask(dsn, "select count(*) from alarm")[0][0])


def ring_without(idle: int, dsn: str, number: int) -> None:
    """Let the other worker ring an alarm, so many in all: it has its policy, and is at work."""
    os.kill(idle, signal.SIGSTOP)
    try:
        plan(dsn, range(COUNT + number, COUNT + number + 1), datetime.now(UTC))
        eventually(lambda: alarms(dsn) == number)
    finally:
        os.kill(idle, signal.SIGCONT)


@pytest.mark.proof
@pytest.mark.parametrize("stopped", [8, 60])
def test_a_worker_that_hangs_neither_repeats_nor_loses_an_alarm(
    engines: Engines, dsn: str, tmp_path: Path, stopped: int
) -> None:
    engines.wakeup.wipe()
    with two_workers(engines, dsn, tmp_path) as stack:
        first = datetime.now(UTC) + timedelta(seconds=4)
        plan(dsn, range(1, COUNT + 1), first)
        os.kill(stack.workers[0].pid, signal.SIGSTOP)
        time.sleep(stopped)
        eventually(lambda: alarms(dsn) == COUNT + 2)
        os.kill(stack.workers[0].pid, signal.SIGCONT)
        ring_without(stack.workers[1].pid, dsn, COUNT + 3)
    rung = ask(
        dsn,
        "select subject, percent from alarm where planned_at between %(first)s and %(last)s",
        first=first,
        last=first + timedelta(milliseconds=COUNT),
    )
    assert len(rung) == len({subject for subject, _ in rung}) == COUNT
    assert {percent for _, percent in rung} == {50}
    told = "select count(*), count(distinct delivery) from event where kind = 'delivery.warned'"
    assert ask(dsn, told) == [(COUNT + 3, COUNT + 3)]
