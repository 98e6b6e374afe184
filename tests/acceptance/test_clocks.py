"""Real processes on hosts whose clocks are wrong: they delay nothing, and nothing hides it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from broker.devstack.engines import Engines
from broker.devstack.rebase_times import rebase
from broker.flow.context import Context
from tests import host_clock
from tests.acceptance.conftest import sample
from tests.acceptance.stack import START_SECONDS, Stack, free_port, kill
from tests.conftest import PATIENCE_SECONDS, ROOT, eventually

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not host_clock.IS_INSTALLED, reason="Debian's package faketime is missing"),
]
TOLERANT = {"BROKER_CLOCK_BOUND_SECONDS": "7200"}
"""A host that is an hour wrong may lead and accept."""
BUSY_MACHINE_SECONDS = 45
"""What a machine with other work may add to some seconds; less than any clock here is wrong."""
Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def rows(dsn: str) -> Rows:
    def run(statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(dsn, autocommit=True) as session:
            return session.execute(statement.encode()).fetchall()

    return run


@pytest.fixture
def police(context: Context, key: Callable[..., dict[str, str]]) -> dict[str, str]:
    context.clock.now = datetime.now(UTC)  # type: ignore[attr-defined]
    return key("staffordshire-police", "publish")


@contextmanager
def another_gateway(stack: Stack, file: Path, **more: str) -> Iterator[str]:
    """Run a gateway on a host whose clock that file sets; yields its address."""
    port = free_port()
    process = stack.start_another_gateway(port, **host_clock.environment(file), **more)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: ask(f"{url}/livez")[0] == 200, within=START_SECONDS)
        yield url
    finally:
        kill(process)


def ask(url: str, headers: dict[str, str] | None = None, body: Any = None) -> tuple[int, Any]:
    """Return status and JSON of an answer; 0 where there is none."""
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={**(headers or {}), "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, None


def document(reference: str) -> dict[str, Any]:
    return {**rebase(sample(12), now=datetime.now(UTC)), "reference": reference}


@pytest.mark.parametrize("ahead", [600, -600, 3600, -3600])
def test_a_gateway_in_another_time_delays_nothing_or_stands_aside(
    engines: Engines, dsn: str, tmp_path: Path, rows: Rows, police: dict[str, str], ahead: int
) -> None:
    clock = tmp_path / "clock"
    host_clock.set_clock(clock, ahead)
    with Stack(engines, dsn, tmp_path) as stack:
        with another_gateway(stack, clock, **TOLERANT) as url:
            assert ask(f"{url}/v1/referrals", police, document("tolerant"))[0] == 202
            eventually(
                lambda: rows("select from referral where routed_at is not null"),
                within=BUSY_MACHINE_SECONDS,
            )
            ((age,),) = rows("select extract(epoch from now() - accepted_at)::float8 from referral")
            assert 0 <= age < BUSY_MACHINE_SECONDS
        with another_gateway(stack, clock) as url:
            for path, body in (("/v1/referrals", document("strict")), ("/readyz", None)):
                status, problem = ask(f"{url}{path}", police, body)
                assert (status, problem["code"]) == (503, "clock-apart")
            assert len(rows("select id from referral")) == 1
            assert rows("select from process_clock where abs(ahead_seconds) > 500")
            host_clock.set_clock(clock, 0)
            eventually(lambda: ask(f"{url}/readyz")[0] == 200)
            assert ask(f"{url}/v1/referrals", police, document("strict"))[0] == 202


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_leader_in_another_time_is_followed_when_it_is_killed(
    engines: Engines, dsn: str, tmp_path: Path, rows: Rows, ahead: int
) -> None:
    clock = tmp_path / "clock"
    host_clock.set_clock(clock, ahead)
    with Stack(engines, dsn, tmp_path, workers=0) as stack:
        wrong = stack.start_worker(**host_clock.environment(clock), **TOLERANT)
        try:
            holder = "select holder from lead where name = 'sweep'"
            eventually(lambda: rows(holder), within=START_SECONDS)
            ((first,),) = rows(holder)
        finally:
            kill(wrong)
        ((left,),) = rows(
            "select extract(epoch from until - now())::float8 from lead where name = 'sweep'"
        )
        assert -BUSY_MACHINE_SECONDS < left <= 6
        stack.workers.append(stack.start_worker())
        eventually(lambda: rows(holder)[0][0] != first, within=START_SECONDS)


def test_a_worker_that_is_far_off_leaves_the_lead_to_others(
    engines: Engines, dsn: str, tmp_path: Path, rows: Rows
) -> None:
    clock = tmp_path / "clock"
    host_clock.set_clock(clock, 3600)
    with Stack(engines, dsn, tmp_path, workers=0) as stack:
        wrong = stack.start_worker(**host_clock.environment(clock))
        try:
            reported = "select from process_clock where ahead_seconds > 3500"
            eventually(lambda: len(rows(reported)) == 1, within=START_SECONDS)
            assert rows("select from lead where name in ('sweep', 'silence')") == []
            stack.workers.append(stack.start_worker())
            eventually(lambda: rows("select from lead where name = 'sweep'"), within=START_SECONDS)
            host_clock.set_clock(clock, 0)
            kill(stack.workers.pop())
            number = f":{wrong.pid}"
            holder = "select holder from lead where name = 'sweep'"
            eventually(lambda: rows(holder)[0][0].endswith(number), within=BUSY_MACHINE_SECONDS)
        finally:
            kill(wrong)


def test_doctor_on_a_host_in_another_time_takes_no_lead(
    engines: Engines, dsn: str, tmp_path: Path, rows: Rows
) -> None:
    clock = tmp_path / "clock"
    host_clock.set_clock(clock, 3600)
    with Stack(engines, dsn, tmp_path, workers=0) as stack:
        ran = subprocess.run(
            [sys.executable, "-m", "broker", "doctor", "--json"],
            cwd=ROOT,
            env={**stack.environ, **host_clock.environment(clock)},
            capture_output=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    found = {finding["check"]: finding for finding in json.loads(ran.stdout)["findings"]}
    assert ran.returncode == 1
    assert "3600.0 s ahead of the ledger's clock" in found["clock"]["detail"]
    assert "broker worker" in found["workers"]["next_step"]
    assert rows("select from lead") == []
