"""Sample agencies: software that collects, and duty workers who answer. For the demo only.

Run as a process of its own: ``python -m broker.devstack.sample_agency CODE...``, with

- ``AGENCY_URL``, the gateway;
- ``AGENCY_EXCHANGE_URLS``, for agencies with queues: a folder with the address of each;
- ``AGENCY_SIGNING_KEYS``, a folder with the private key of each agency that has a queue;
- ``AGENCY_KEYS``, a folder with a key for each agency;
- ``AGENCY_NOTES``, a folder in which each agency notes the id of each delivery it received, and
  nothing else, so that the demo can compare with the ledger.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from referral_broker_client import Answer, Consumer, Unavailable
from referral_broker_client.queue_consumer import QueueConsumer
from referral_broker_client.queue_signatures import AgencyKey, FetchedKeys, QueueKeys

from broker.domain.codes import Outcome, ReturnReason

OUTCOMES = (Outcome.ASSESSMENT, Outcome.STRATEGY_DISCUSSION, Outcome.EARLY_HELP, Outcome.ADVICE)
RETURN_ONE_IN = 40
"""One in so many deliveries to the council below belongs to another area."""
RETURNING = "staffordshire-csc"
ELSEWHERE = "E06000051"
"""Shropshire."""
PAUSE_SECONDS = 1.0
MOMENT_SECONDS = 0.25
LOOK_SECONDS = 0.5
WAIT_SECONDS = 2.0
"""How long the gateway may hold a request; an agency ends within this time."""

Send = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a person will answer a delivery; the id decides, so that runs are repeatable."""

    acknowledge_after: float
    answer_after: float
    outcome: str | None
    reason: str | None


def plan_for(delivery: str, agency: str) -> Plan:
    """Plan the answer to a delivery, with seconds in place of hours."""
    dice = hashlib.sha256(delivery.encode()).digest()
    returned = agency == RETURNING and dice[3] % RETURN_ONE_IN == 0
    acknowledge_after = 0.2 + dice[0] / 200
    return Plan(
        acknowledge_after=acknowledge_after,
        answer_after=acknowledge_after + 0.3 + dice[1] / 100,
        outcome=None if returned else OUTCOMES[dice[2] % len(OUTCOMES)],
        reason=ReturnReason.WRONG_AREA if returned else None,
    )


@dataclass(slots=True)
class DutyWorkers:
    """The people of an agency: they acknowledge each delivery, then decide or return it."""

    agency: str
    send: Send
    _due: list[tuple[float, int, Answer]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopping: bool = False

    def assign(self, delivery: str) -> None:
        """Plan the answers to a delivery."""
        plan, now = plan_for(delivery, self.agency), time.monotonic()
        by = f"Duty worker, {self.agency}"
        with self._changed:
            self._plan(now + plan.acknowledge_after, Answer(delivery, "acknowledged", by))
            self._plan(now + plan.answer_after, _final(delivery, by, plan))
            self._changed.notify()

    def stop(self) -> None:
        """End ``run``."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def run(self) -> None:
        """Answer what is due, all of it together, until stopped."""
        while due := self._wait_for_due():
            try:
                self.send(*due)
            except Unavailable:
                self._postpone(due)

    def _plan(self, at: float, answer: Answer) -> None:
        """Note when to send an answer; answers of the same moment are sent together."""
        moment = math.ceil(at / MOMENT_SECONDS) * MOMENT_SECONDS
        heapq.heappush(self._due, (moment, next(self._order), answer))

    def _postpone(self, answers: Sequence[Answer]) -> None:
        with self._changed:
            for answer in answers:
                self._plan(time.monotonic() + PAUSE_SECONDS, answer)

    def _wait_for_due(self) -> Sequence[Answer]:
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    return self._take_due(now)
                self._changed.wait(self._due[0][0] - now if self._due else None)
            return ()

    def _take_due(self, now: float) -> Sequence[Answer]:
        due = []
        while self._due and self._due[0][0] <= now:
            due.append(heapq.heappop(self._due)[2])
        return due


def _final(delivery: str, by: str, plan: Plan) -> Answer:
    if plan.reason is not None:
        return Answer(delivery, "returned", by, reason=plan.reason, area=ELSEWHERE)
    return Answer(delivery, "decided", by, outcome=plan.outcome)


class SampleAgency:
    """One agency: a thread that collects, and a thread for its duty workers."""

    def __init__(self, agency: str, connect: Callable[[], Consumer | QueueConsumer]) -> None:
        self._consumer = connect()
        self._duty_workers = DutyWorkers(agency, connect().answer)
        self._notes = Path(os.environ["AGENCY_NOTES"]) / agency
        self._threads = [
            threading.Thread(target=self._collect, name=f"intake of {agency}", daemon=True),
            threading.Thread(
                target=self._duty_workers.run, name=f"duty workers of {agency}", daemon=True
            ),
        ]

    @property
    def is_open(self) -> bool:
        """Whether both threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def open(self) -> None:
        """Begin to collect and to answer."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ask both threads to finish their work and stop."""
        self._consumer.stop()
        self._duty_workers.stop()

    def wait(self) -> None:
        """Wait until both have stopped."""
        for thread in self._threads:
            thread.join()

    def _collect(self) -> None:
        """Collect until stopped."""
        with self._consumer as consumer, self._notes.open("a", buffering=1) as notes:
            for delivery in consumer:
                with delivery:
                    # Noted before the broker records that it was collected.
                    notes.write(f"{delivery.id}\n")
                self._duty_workers.assign(delivery.id)


def connector(agency: str) -> Callable[[], Consumer | QueueConsumer]:
    """Return how an agency connects: over HTTP, or to its queue when an exchange is given."""
    key = (Path(os.environ["AGENCY_KEYS"]) / agency).read_text().strip()
    exchanges, url = os.environ.get("AGENCY_EXCHANGE_URLS"), os.environ["AGENCY_URL"]
    how: dict[str, Any] = {"by": f"Intake, {agency}", "wait": WAIT_SECONDS, "batch": 100}

    def connect() -> Consumer | QueueConsumer:
        if not exchanges:
            return Consumer(url, key, **how)
        private = (Path(os.environ["AGENCY_SIGNING_KEYS"]) / agency).read_text()
        keys = QueueKeys(AgencyKey(private), FetchedKeys(url))
        exchange = (Path(exchanges) / agency).read_text().strip()
        return QueueConsumer(exchange, agency, keys, **how)

    return connect


def main(codes: Sequence[str]) -> None:
    """Run these agencies until SIGTERM, or until one of them fails."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    running = [SampleAgency(code, connector(code)) for code in codes]
    for agency in running:
        agency.open()
    while not stopping.wait(LOOK_SECONDS) and all(agency.is_open for agency in running):
        continue
    for agency in running:
        agency.close()
    for agency in running:
        agency.wait()
    if not stopping.is_set():
        sys.exit("An agency stopped by itself; the reason is above.")


if __name__ == "__main__":
    main(sys.argv[1:])
