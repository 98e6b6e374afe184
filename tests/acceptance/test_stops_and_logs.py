"""A stop loses nobody's request, and a log that cannot be written changes no answer."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis
from referral_broker_client import Consumer

from broker import time_limits
from broker.devstack.engines import Engines
from broker.flow.context import Context
from broker.flow.lane_beats import FOR
from broker.policy.monitoring.health import VITAL_LANES
from tests.acceptance.conftest import sample
from tests.acceptance.stack import START_SECONDS, Stack
from tests.collector import Collector, collecting
from tests.conftest import PATIENCE_SECONDS, eventually
from tests.relay import Relay

WAIT = 30
"""Seconds that a long poll may wait; a stop that waits for it is told from one that does not."""
BUSY_MACHINE_SECONDS = 3

Key = Callable[..., dict[str, str]]


@pytest.fixture
def stack(engines: Engines, dsn: str, tmp_path: Path) -> Iterator[Stack]:
    with Stack(engines, dsn, tmp_path, workers=0, BROKER_LOG_LEVEL="info") as opened:
        yield opened


def call(
    stack: Stack, path: str, headers: dict[str, str], body: Any = None
) -> tuple[int, str, Any]:
    """Return status, media type and JSON of an answer."""
    request = urllib.request.Request(
        f"{stack.url}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={**headers, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.headers["Content-Type"], json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], json.load(error)


def waiting_requests(stack: Stack) -> int:
    """Count the connections to the gateway that a caller has open."""
    wanted = f"{stack.port:04X}"
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    return sum(field[1].endswith(f":{wanted}") and field[3] == "01" for field in fields)


# Stops


def test_long_polls_are_answered_at_once_when_the_gateway_is_asked_to_end(
    stack: Stack, key: Key
) -> None:
    police, agency = key("staffordshire-police", "publish"), key("stoke-csc", "collect")
    no_news = key("west-mercia-police", "publish")  # nothing happens to its referrals meanwhile
    document = sample(1)
    with ThreadPoolExecutor(3) as callers:
        answers = [
            callers.submit(call, stack, "/v1/collect", agency, {"wait": WAIT}),
            callers.submit(call, stack, f"/v1/events?wait={WAIT}", no_news),
            callers.submit(
                call, stack, "/v1/referrals", {**police, "Prefer": f"wait={WAIT}"}, document
            ),
        ]
        eventually(lambda: waiting_requests(stack) >= len(answers))
        found = f"/v1/referrals?reference={document['reference']}"
        eventually(lambda: call(stack, found, police)[0] == 200)
        assert stack.gateway is not None
        asked = time.monotonic()
        stack.gateway.send_signal(signal.SIGTERM)
        collected, news, accepted = [answer.result(PATIENCE_SECONDS) for answer in answers]
        assert stack.gateway.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - asked < WAIT - 10
    assert (collected[0], collected[2]) == (200, {"deliveries": []})
    assert news[0] == 200
    assert accepted[0] == 202
    assert accepted[2]["reference"] == document["reference"]


@pytest.mark.proof
def test_the_consumer_of_the_sdk_outlives_a_restart_of_the_gateway(stack: Stack, key: Key) -> None:
    police, agency = key("staffordshire-police", "publish"), key("stoke-csc", "collect")
    bearer = agency["Authorization"].removeprefix("Bearer ")
    got: list[str] = []
    with Consumer(stack.url, bearer, by="Intake desk", wait=WAIT) as consumer:
        thread = threading.Thread(
            target=lambda: got.extend(delivery.reference for delivery in consumer), daemon=True
        )
        thread.start()
        eventually(lambda: waiting_requests(stack))
        assert stack.gateway is not None
        stack.gateway.send_signal(signal.SIGTERM)
        stack.gateway.wait(PATIENCE_SECONDS)
        stack.start_gateway()
        eventually(stack.is_ready, within=START_SECONDS)
        assert thread.is_alive()
        status, _, receipt = call(stack, "/v1/referrals", police, sample(1))
        assert status == 202
        stack.workers.append(stack.start_worker())
        eventually(lambda: got, within=START_SECONDS)
        consumer.stop()
        thread.join(PATIENCE_SECONDS)
    assert set(got) == {receipt["reference"]}


def test_a_worker_that_was_asked_to_end_says_so_by_its_exit_code(
    engines: Engines, dsn: str, tmp_path: Path
) -> None:
    with Stack(engines, dsn, tmp_path, workers=1) as stack:
        (worker,) = stack.workers
        eventually(lambda: _consumes(engines), within=START_SECONDS)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(time_limits.SUPERVISOR_GRACE) == 0


@pytest.mark.proof
def test_a_second_request_to_end_changes_nothing(
    engines: Engines, dsn: str, tmp_path: Path, key: Key
) -> None:
    agency = key("stoke-csc", "collect")
    with Stack(engines, dsn, tmp_path, workers=1) as stack, ThreadPoolExecutor(1) as callers:
        eventually(lambda: _consumes(engines), within=START_SECONDS)
        poll = callers.submit(call, stack, "/v1/collect", agency, {"wait": WAIT})
        eventually(lambda: waiting_requests(stack))
        assert stack.gateway is not None
        for process in (stack.gateway, *stack.workers):
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGTERM)
        assert poll.result(PATIENCE_SECONDS)[0] == 200
        for process in (stack.gateway, *stack.workers):
            assert process.wait(time_limits.SUPERVISOR_GRACE) == 0


def test_a_worker_whose_main_loop_has_failed_says_so_by_its_exit_code() -> None:
    """A cold start with settings that Celery cannot use ends the main loop from within."""
    program = """
import sys
from celery import bootsteps
from workers import process
class Failing(bootsteps.StartStopStep):
    requires = {"celery.worker.components:Pool"}
    def start(self, parent):
        raise TypeError("a fault of the main loop")
process.app.steps["worker"].clear()
process.app.steps["worker"].add(Failing)
sys.exit(process.run(1))
"""
    environ = {
        **os.environ,
        "BROKER_DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "BROKER_WAKEUP_URL": "redis://127.0.0.1:1/0",
        "BROKER_EXCHANGE_URL": "redis://127.0.0.1:1/0",
    }
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=environ,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 1


LINES_DROPPED = ("broker_log_lines_dropped_total ", "broker_worker_log_lines_dropped_total ")
GARBAGE = (b"garbage", b"5", b"null", b"[" * 100_000, b'"text"', b"\xff\xfe", b"[]", b"{}", b"")


def test_what_is_no_message_in_the_list_of_wake_ups_ends_no_worker(
    engines: Engines, dsn: str, tmp_path: Path, key: Key, context: Context
) -> None:
    police = key("staffordshire-police", "publish")
    with (
        Stack(engines, dsn, tmp_path, workers=1) as stack,
        contextlib.closing(Redis.from_url(engines.wakeup_url)) as valkey,
    ):
        (worker,) = stack.workers
        eventually(lambda: _consumes(engines), within=START_SECONDS)
        for element in GARBAGE:
            valkey.lpush("rb:route", element)
        eventually(lambda: not valkey.llen("rb:route"))
        headers = {**police, "Prefer": f"wait={WAIT}"}
        status, _, _ = call(stack, "/v1/referrals", headers, sample(1))
        assert status == 201
        assert worker.poll() is None


def _consumes(engines: Engines) -> bool:
    """Tell whether a worker waits for wake-ups."""
    with contextlib.closing(Redis.from_url(engines.wakeup_url)) as valkey:
        return any(client["cmd"] == "brpop" for client in valkey.client_list())


# Logs


@pytest.fixture(
    params=[
        "full",
        pytest.param("closed", marks=pytest.mark.proof),
        pytest.param("slow", marks=pytest.mark.proof),
    ]
)
def bad_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """Standard error as it is on a bad day: no space, no reader, a reader that hangs."""
    if request.param == "full":
        with Path("/dev/full").open("wb") as full:
            yield full.fileno()
        return
    reader, writer = os.pipe()
    if request.param == "closed":
        os.close(reader)
    else:
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"\n" * 4096)
        os.set_blocking(writer, True)
    yield writer
    os.close(writer)
    if request.param == "slow":
        os.close(reader)


def test_a_log_that_cannot_be_written_and_a_collector_that_hangs_change_no_answer(
    engines: Engines, dsn: str, tmp_path: Path, key: Key, bad_log: int
) -> None:
    with collecting(hangs=True) as collector:
        _work_with_a_bad_log(engines, dsn, tmp_path, key, bad_log, collector)
    assert collector.bodies


def _work_with_a_bad_log(
    engines: Engines, dsn: str, tmp_path: Path, key: Key, bad_log: int, collector: Collector
) -> None:
    police, agency = key("staffordshire-police", "publish"), key("stoke-csc", "collect")
    ops = key("ops", "ops")
    levels = {"BROKER_LOG_LEVEL": "debug", "BROKER_TRACES_URL": collector.url}
    with Stack(engines, dsn, tmp_path, workers=1, stderr=bad_log, **levels) as stack:
        documents = [{**sample(1), "reference": f"BAD/LOG/{number}"} for number in range(5)]
        headers = {**police, "Prefer": f"wait={WAIT}"}
        first = {**sample(1), "reference": "BAD/LOG/FIRST"}
        eventually(  # until the worker is up
            lambda: call(stack, "/v1/referrals", headers, first)[0] in {200, 201},
            within=START_SECONDS,
        )
        answers = [call(stack, "/v1/referrals", headers, document) for document in documents]
        assert [status for status, _, _ in answers] == [201] * 5
        assert call(stack, "/v1/collect", agency, {"max": 1})[0] == 200
        eventually(lambda: _sent(engines) == len(documents) + 1)
        assert call(stack, "/v1/nowhere", agency)[0] == 404
        assert all(process.poll() is None for process in (stack.gateway, *stack.workers))
        if bad_log_counts(bad_log):
            eventually(lambda: all(_dropped(stack, ops, name) > 0 for name in LINES_DROPPED))
        stack.workers[0].send_signal(signal.SIGTERM)
        assert stack.workers[0].wait(time_limits.SUPERVISOR_GRACE) == 0
        assert stack.gateway is not None
        stack.gateway.send_signal(signal.SIGTERM)
        assert stack.gateway.wait(time_limits.SUPERVISOR_GRACE) == 0


def bad_log_counts(descriptor: int) -> bool:
    """Tell whether lines are lost at once; a reader that hangs first makes them wait."""
    try:
        os.set_blocking(descriptor, False)
        os.write(descriptor, b"\n")
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        os.set_blocking(descriptor, True)
    return False


def _sent(engines: Engines) -> int:
    """Count the copies in Stoke's queue."""
    with contextlib.closing(Redis.from_url(engines.exchange_url)) as valkey:
        return int(valkey.llen("agency.stoke-csc"))


def _dropped(stack: Stack, ops: dict[str, str], name: str) -> float:
    request = urllib.request.Request(f"{stack.url}/metrics", headers=ops)
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        lines = answer.read().decode().splitlines()
    (value,) = [line.removeprefix(name) for line in lines if line.startswith(name)]
    return float(value)


@pytest.mark.proof
def test_a_gateway_without_standard_error_writes_its_lines_to_nobody_else(
    engines: Engines, dsn: str, tmp_path: Path, key: Key
) -> None:
    police = key("staffordshire-police", "publish")
    with Stack(engines, dsn, tmp_path, workers=0, stderr="none") as stack:
        assert call(stack, "/v1/referrals", police, sample(1))[0] == 202
        assert call(stack, "/readyz", {})[0] == 200


# Connections that say nothing


def test_readiness_is_answered_in_time_while_the_ledger_says_nothing(
    engines: Engines, dsn: str, tmp_path: Path
) -> None:
    with (
        Relay.before_postgresql(dsn) as relay,
        Stack(engines, relay.dsn(dsn), tmp_path, workers=0) as stack,
    ):
        relay.silence()
        for _ in range(3):
            began = time.monotonic()
            status, _, _ = call(stack, "/readyz", {})
            assert status == 503
            assert time.monotonic() - began < time_limits.READY + BUSY_MACHINE_SECONDS
        assert call(stack, "/livez", {})[0] == 200
        relay.speak()
        eventually(stack.is_ready, within=START_SECONDS)


@pytest.mark.proof
def test_connections_that_fell_silent_are_given_up_and_work_goes_on(
    engines: Engines, dsn: str, tmp_path: Path, key: Key
) -> None:
    """New connections work at once; those that there were say nothing any more."""
    police = key("staffordshire-police", "publish")
    with (
        Relay.before_postgresql(dsn) as relay,
        Stack(engines, relay.dsn(dsn), tmp_path, workers=1) as stack,
    ):
        headers = {**police, "Prefer": f"wait={WAIT}"}
        assert call(stack, "/v1/referrals", headers, sample(1))[0] == 201
        eventually(lambda: lanes_shown(dsn, datetime.now(UTC)) == set(VITAL_LANES))
        relay.silence_present()
        with psycopg.connect(dsn) as ledger:
            (fell_silent_at,) = ledger.execute("select now()").fetchone() or (None,)

        def is_routed() -> bool:
            return call(stack, "/v1/referrals", headers, sample(2))[0] in {200, 201}

        eventually(is_routed, within=time_limits.TRANSACTION + PATIENCE_SECONDS)
        # No thread of the worker waits on a connection that is dead for good.
        eventually(
            lambda: lanes_shown(dsn, fell_silent_at + 2 * FOR) == set(VITAL_LANES),
            within=time_limits.TRANSACTION + PATIENCE_SECONDS,
        )


def lanes_shown(dsn: str, until: datetime) -> set[str]:
    """Return the lanes of the services whose beat counts beyond an instant."""
    with psycopg.connect(dsn) as ledger:
        shown = "select name from lead where until > %s and name = any(%s)"
        return {name for (name,) in ledger.execute(shown, [until, list(VITAL_LANES)])}
