"""What is killed, wiped or away in the middle of 1,000 referrals costs time and nothing else.

Real processes: a gateway, a worker with two children, PostgreSQL, two Valkeys; a publisher and
agencies that use the SDK over HTTP.
"""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from referral_broker_client import Answer, Consumer, Publisher, Unavailable

from broker.admin.api_keys import issue
from broker.devstack import sample_referrals
from broker.devstack.engines import Engines
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.ledger.ledger import Ledger
from tests.acceptance.stack import Stack
from tests.conftest import PATIENCE_SECONDS, eventually

COUNT = 1000
AT_ONCE = 50
PUBLISHER = OrganisationCode("staffordshire-police")
AWAY_SECONDS = 60
"""How long the Valkeys are gone in the last of these tests."""


class Town:
    """A publisher and every agency, all at work while something breaks."""

    def __init__(self, ledger: Ledger, stack: Stack, dsn: str) -> None:
        self.dsn = dsn
        self.stack = stack
        self.receipts: dict[str, str] = {}
        self.seen: dict[str, set[str]] = {}
        self.refused = 0
        now = datetime.now(UTC)
        self._publisher_key = issue(ledger, PUBLISHER, [Scope.PUBLISH], label="test", now=now)
        self._keys = {
            code: issue(ledger, OrganisationCode(code), [Scope.COLLECT], label="test", now=now)
            for (code,) in self.ask("select code from organisation where channel = 'mailbox'")
        }
        self._done = threading.Event()

    def ask(self, question: str) -> list[tuple]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(question.encode()).fetchall()

    def publish(self, documents: list[dict], break_it: Callable[[], None]) -> None:
        """Hand everything in, and break something when half of it is."""
        with Publisher(self.stack.url, self._publisher_key) as publisher:
            for start in range(0, len(documents), AT_ONCE):
                if start == COUNT // 2:
                    break_it()
                self._hand_in(publisher, documents[start : start + AT_ONCE])

    def _hand_in(self, publisher: Publisher, documents: list[dict]) -> None:
        def accepted() -> bool:
            try:
                results = list(publisher.publish_many(documents))
            except Unavailable:
                return False
            for document, result in zip(documents, results, strict=True):
                if result.receipt is not None:
                    self.receipts[document["reference"]] = str(result.receipt.id)
            self.refused += sum(result.receipt is None for result in results)
            return True

        eventually(accepted)

    def agencies(self) -> Iterator[threading.Thread]:
        codes = sorted(self._keys)
        for place in range(4):
            yield threading.Thread(target=self._work, args=(codes[place::4],), daemon=True)

    def _work(self, codes: list[str]) -> None:
        consumers = {
            code: Consumer(self.stack.url, self._keys[code], by="Duty desk", batch=100, wait=0)
            for code in codes
        }
        while not self._done.is_set():
            busy = [self._serve(code, consumer) for code, consumer in consumers.items()]
            if not any(busy):
                self._done.wait(0.2)
        for consumer in consumers.values():
            consumer.close()

    def _serve(self, code: str, consumer: Consumer) -> bool:
        try:
            request = {"max": 100, "wait": 0}
            offered = consumer._http.post("/v1/collect", request).json()["deliveries"]
            for delivery in offered:
                assert delivery["agency"] == code
                self.seen.setdefault(delivery["delivery"], set()).add(code)
            answers = [
                Answer(delivery["delivery"], "decided", by="Duty worker", outcome="assessment")
                for delivery in offered
            ]
            consumer.answer(*answers)
        except Unavailable:
            self._done.wait(0.2)
            return False
        return bool(offered)

    def unfinished(self) -> int:
        """Count what an agency with a mailbox or a worker still has to do."""
        ((count,),) = self.ask(
            "select (select count(*) from referral where state = 'accepted')"
            " + (select count(*) from delivery where state in ('available', 'leased')"
            "    and channel = 'mailbox')"
        )
        return count

    def rest(self) -> None:
        self._done.set()


@pytest.fixture
def town(engines: Engines, dsn: str, tmp_path: Path) -> Iterator[Town]:
    engines.wakeup.wipe()
    engines.exchange.wipe()
    with (
        Stack(engines, dsn, tmp_path) as stack,
        Ledger.open(dsn, application_name="tests") as ledger,
    ):
        town = Town(ledger, stack, dsn)
        workers = list(town.agencies())
        for worker in workers:
            worker.start()
        try:
            yield town
        finally:
            town.rest()
            for worker in workers:
                worker.join(20)


def kill_a_worker(town: Town, _: Engines) -> None:
    town.stack.kill_worker()


def kill_the_gateway(town: Town, _: Engines) -> None:
    town.stack.kill_gateway()
    town.stack.start_gateway()


def wipe_valkey(_: Town, engines: Engines) -> None:
    engines.wakeup.wipe()
    engines.exchange.wipe()


def take_valkey_away(town: Town, engines: Engines) -> None:
    """Kill both, and bring them back a minute later, while everything goes on."""
    engines.wakeup.kill()
    engines.exchange.kill()

    def bring_back() -> None:
        time.sleep(AWAY_SECONDS)
        engines.wakeup.start()
        engines.exchange.start()

    threading.Thread(target=bring_back, daemon=True).start()


@pytest.mark.parametrize(
    "fault",
    [
        kill_a_worker,
        kill_the_gateway,
        wipe_valkey,
        pytest.param(take_valkey_away, marks=pytest.mark.proof),  # a minute long
    ],
    ids=lambda f: f.__name__,
)
def test_nothing_is_lost_misdelivered_or_answered_twice(
    town: Town, engines: Engines, fault: Callable[[Town, Engines], None]
) -> None:
    documents = list(sample_referrals.generate(7, COUNT, now=datetime.now(UTC)))
    town.publish(documents, lambda: fault(town, engines))
    eventually(lambda: town.unfinished() == 0, within=AWAY_SECONDS + PATIENCE_SECONDS)
    if fault is take_valkey_away:
        eventually(engines.wakeup._is_ready, within=AWAY_SECONDS + PATIENCE_SECONDS)
        eventually(engines.exchange._is_ready)

    kept = dict(town.ask("select reference, id::text from referral"))
    assert town.receipts.items() <= kept.items()
    assert len(kept) + town.refused == COUNT
    assert set(town.seen) == {
        id_
        for (id_,) in town.ask(
            "select id::text from delivery where channel = 'mailbox' and state = 'decided'"
        )
    }
    assert (
        town.ask(
            "select agency, id::text from delivery where channel = 'mailbox'"
            " and state in ('available', 'leased', 'collected')"
        )
        == []
    )
    for agency, id_ in town.ask("select agency, id::text from delivery"):
        assert town.seen.get(id_, {agency}) == {agency}
    assert not town.ask(
        "select delivery from event where kind = 'delivery.decided'"
        " group by delivery having count(*) > 1"
    )
    assert not town.ask(
        "select referral, agency, policy_row from delivery where replaces is null"
        " group by referral, agency, policy_row, role having count(*) > 1"
    )
    assert not town.ask(
        "select referral from event where kind = 'referral.routed'"
        " group by referral having count(*) > 1"
    )
