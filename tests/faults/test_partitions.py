"""Real partitions: a gateway and a worker whose packets to every server are lost, one way or both.

A second gateway and worker beside them see nothing of it. The kernel goes on as with any lost
packet: it sends again, ever more rarely, and connections that nobody can reach stay open.
"""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from broker import time_limits
from broker.devstack.engines import Engines, as_application
from broker.flow.context import Context
from tests.acceptance.conftest import sample
from tests.acceptance.stack import START_SECONDS, Stack
from tests.conftest import PATIENCE_SECONDS, eventually
from tests.faults.namespaces import Namespace, Way, can_be_made
from tests.relay import Relay

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not can_be_made(), reason="needs root and iproute2"),
]
CUT_SECONDS = 30.0
FLAP_SECONDS = 2.0
RECOVERY_SECONDS = time_limits.POOL + time_limits.ANSWER + time_limits.CONNECT
"""docs/reliability.md: after a partition the far side works again so soon."""
HANG_SECONDS = time_limits.REQUEST + 4
WAIT = 20
BUSY_MACHINE = 2.0
Key = Callable[..., dict[str, str]]


@dataclass
class Publisher:
    """Hands in one referral after the other at one gateway, and keeps what it was told."""

    stack: Stack
    headers: dict[str, str]
    name: str
    told: list[tuple[float, float, int | None, str | None]] = field(default_factory=list)
    """When each call began, how long it took, its status, and the id of its receipt."""
    number: int = 0

    def hand_in(self) -> int | None:
        self.number += 1
        document = {**sample(1), "reference": f"CUT/{self.name}/{self.number}"}
        began = time.monotonic()
        status, answer = call(self.stack, self.headers, document)
        took = time.monotonic() - began
        self.told.append((began, took, status, answer.get("id")))
        return status

    def until(self, ending: threading.Event) -> None:
        while not ending.wait(0.2):
            self.hand_in()


def call(
    stack: Stack, headers: dict[str, str], document: dict[str, Any]
) -> tuple[int | None, dict[str, Any]]:
    request = urllib.request.Request(
        f"{stack.url}/v1/referrals",
        data=json.dumps(document).encode(),
        headers={**headers, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, {}
    except OSError:
        return None, {}


@dataclass
class Sides:
    """The two sides of a partition."""

    near: Stack
    far: Stack
    namespace: Namespace
    dsn: str

    def is_routed(self, id_: str) -> bool:
        with psycopg.connect(self.dsn) as session:
            query = "select state from referral where id = %s"
            row = session.execute(query, [id_]).fetchone()
        return row is not None and row[0] != "accepted"


@pytest.fixture
def sides(engines: Engines, dsn: str, tmp_path: Path) -> Iterator[Sides]:
    near_folder, far_folder = tmp_path / "near", tmp_path / "far"
    near_folder.mkdir()
    far_folder.mkdir()
    with ExitStack() as stack:
        namespace = stack.enter_context(Namespace())
        relays = {
            "ledger": Relay.before_postgresql(dsn, namespace.here),
            "wakeup": Relay.before(engines.wakeup_url, namespace.here),
            "exchange": Relay.before(engines.exchange_url, namespace.here),
        }
        for relay in relays.values():
            stack.enter_context(relay)
        urls = {
            "BROKER_DATABASE_URL": as_application(relays["ledger"].dsn(dsn)),
            "BROKER_WAKEUP_URL": relays["wakeup"].url(engines.wakeup_url),
            "BROKER_EXCHANGE_URL": relays["exchange"].url(engines.exchange_url),
        }
        near = stack.enter_context(Stack(engines, dsn, near_folder, workers=1))
        far = stack.enter_context(
            Stack(engines, dsn, far_folder, workers=1, network=namespace.network, **urls)
        )
        yield Sides(near, far, namespace, dsn)


def cut(namespace: Namespace, manner: str) -> None:
    """Cut the wire for its time; a flapping one is mended and cut again all the while."""
    ways: dict[str, tuple[Way, ...]] = {"out": ("out",), "in": ("in",)}
    both: tuple[Way, ...] = ("out", "in")
    until = time.monotonic() + CUT_SECONDS
    while time.monotonic() < until:
        namespace.cut(*ways.get(manner, both))
        time.sleep(FLAP_SECONDS if manner == "flapping" else CUT_SECONDS)
        namespace.mend()
        if manner == "flapping":
            time.sleep(FLAP_SECONDS)


@pytest.mark.parametrize("manner", ["out", "in", "both", "flapping"])
def test_a_partition_costs_its_own_side_time_and_nobody_a_referral(
    sides: Sides, key: Key, context: Context, manner: str, record_property: Any
) -> None:
    headers = key("staffordshire-police", "publish")
    near, far = Publisher(sides.near, headers, "near"), Publisher(sides.far, headers, "far")
    for publisher in (near, far):
        eventually(lambda publisher=publisher: publisher.hand_in() == 202, within=START_SECONDS)
    ending = threading.Event()
    threads = [
        threading.Thread(target=publisher.until, args=(ending,), daemon=True)
        for publisher in (near, far)
    ]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    cut(sides.namespace, manner)
    mended = time.monotonic()
    eventually(lambda: any(at >= mended and told == 202 for at, _, told, _ in far.told), within=120)
    ending.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    recovered = min(at + took for at, took, told, _ in far.told if at >= mended and told == 202)

    record_property("recovery_seconds", round(recovered - mended, 1))
    during = [took for at, took, told, _ in near.told if began <= at < mended]
    record_property("slowest_near_seconds", round(max(during), 2))
    record_property("slowest_far_seconds", round(max(took for _, took, _, _ in far.told), 1))
    print(f"{manner}: works {recovered - mended:.1f} s after; near {max(during):.2f} s at worst")
    assert {told for _, _, told, _ in near.told} == {202}, "the near side saw something of it"
    assert {told for _, _, told, _ in far.told} <= {202, 503}
    assert max(took for _, took, _, _ in far.told) < BUSY_MACHINE * HANG_SECONDS
    assert recovered - mended < BUSY_MACHINE * RECOVERY_SECONDS
    receipts = [id_ for publisher in (near, far) for _, _, _, id_ in publisher.told if id_]
    eventually(lambda: all(map(sides.is_routed, receipts)), within=60)
