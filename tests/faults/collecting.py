"""Agencies under load: they collect, answer, answer twice, too late, for others, or crash."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

from joserfc import jws
from kombu import Connection, Producer, Queue
from kombu.exceptions import KombuError
from redis.exceptions import RedisError
from referral_broker_client.queue_signatures import AgencyKey

from broker.transport.signatures import new_private_key
from tests.faults import documents
from tests.faults.journal import Answered, Destroyed, Journal, Offered
from tests.faults.wire import PATIENCE, Wire

LEASE_SECONDS = 5
OUTCOMES = ("assessment", "no_further_action", "advice")
CUT_OFF = (KombuError, RedisError, OSError)
"""What a reader of a queue meets when its Valkey is struck; anything else is a fault of its own."""
Delivery = dict[str, Any]


@cache
def private_key(code: str) -> str:
    """Return the private key with which an agency of this run signs its receipts."""
    return new_private_key()


def _content(copy: bytes | str) -> Delivery:
    """Return what a signed copy says; whether its signature holds is tested elsewhere."""
    signed = copy.encode() if isinstance(copy, str) else copy
    found: Delivery = json.loads(jws.extract_compact(signed).payload)
    return found


class Agency:
    """What every agency does: it takes note of what it is offered, and answers."""

    def __init__(self, code: str, wire: Wire, dice: Random, journal: Journal) -> None:
        self.code = code
        self._wire = wire
        self._dice = dice
        self._journal = journal
        self._sober, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name=code, daemon=True)

    @property
    def wire(self) -> Wire:
        return self._wire

    def take_note(self, delivery: Delivery, by: str) -> None:
        """Take note of a delivery that was collected by other means."""
        self._take_note(delivery, by, asked_at=time.monotonic())

    def start(self) -> None:
        self._thread.start()

    def sober_up(self) -> None:
        """From now on only collect and answer, so that everything comes to rest."""
        self._sober.set()

    def close(self) -> None:
        self._ending.set()
        self._thread.join(40)

    def _work(self) -> None:
        raise NotImplementedError

    def _take_note(self, delivery: Delivery, by: str, *, asked_at: float) -> None:
        if delivery["kind"] == "recall":  # there is no content to compare
            told_at = time.monotonic()
            asked = Destroyed(self.code, delivery["referral"], delivery["delivery"], told_at)
            self._journal.destroyed.append(asked)
            return
        lease = delivery.get("lease") or {}
        offered = Offered(
            agency=self.code,
            delivery=delivery["delivery"],
            referral=delivery["referral"],
            reference=delivery["reference"],
            publisher=delivery["publisher"],
            variant=documents.variant_of(delivery["content"]),
            areas=documents.areas_of(delivery["content"]),
            attempt=delivery["attempt"],
            lease=lease.get("id", ""),
            deadlines=delivery["deadlines"],
            asked_at=asked_at,
            told_at=time.monotonic(),
            by=by,
        )
        self._journal.offered.append(offered)

    def _answer(self, deliveries: list[Delivery], stage: str, **more: Any) -> None:
        """Give receipts until somebody says what became of them; a few times at most."""
        receipts = [self._receipt(delivery, stage, **more) for delivery in deliveries]
        for _ in range(4):
            if not receipts or self._give(receipts):
                return
            self._ending.wait(0.2)

    def _receipt(self, delivery: Delivery, stage: str, **more: Any) -> dict[str, Any]:
        receipt = {"delivery": delivery["delivery"], "stage": stage, "by": "Duty worker", **more}
        if lease := (delivery.get("lease") or {}).get("id"):
            receipt["lease"] = lease
        if stage == "decided":
            receipt.setdefault("outcome", self._dice.choice(OUTCOMES))
            if delivery.get("kind") == "recall":
                receipt["outcome"] = "destroyed"
        return receipt

    def _give(self, receipts: list[dict[str, Any]]) -> bool:
        told = self._wire.post("/v1/receipts", {"receipts": receipts})
        results = told.value["results"] if told.status == 200 else [{}] * len(receipts)
        for receipt, result in zip(receipts, results, strict=True):
            self._note(receipt, told.sent_at, told.told_at, result.get("result"))
        return not told.again

    def _note(
        self, receipt: dict[str, Any], sent_at: float, told_at: float, result: str | None
    ) -> None:
        answered = Answered(
            agency=self.code,
            delivery=receipt["delivery"],
            stage=receipt["stage"],
            outcome=receipt.get("outcome"),
            area=receipt.get("area"),
            lease=receipt.get("lease"),
            sent_at=sent_at,
            told_at=told_at,
            result=result,
        )
        self._journal.answered.append(answered)


class Mailbox(Agency):
    """An agency that collects over HTTP; two of these share one agency's mailbox."""

    def _work(self) -> None:
        ways: dict[Callable[[list[Delivery]], None], int] = {
            self._decide: 50,
            self._step_by_step: 12,
            self._twice: 8,
            self._late: 6,
            self._crash: 6,
            self._for_others: 5,
            self._give_back: 4,
            self._return: 9,
        }
        while not self._ending.is_set():
            if self._sober.is_set():
                self._decide(self._collect(100))
                continue
            (way,) = self._dice.choices(list(ways), list(ways.values()))
            way(self._collect(self._dice.choice((1, 5, 20))))

    def _collect(self, most: int) -> list[Delivery]:
        impatient = not self._sober.is_set() and self._dice.random() < 0.05
        asked = {"max": most, "wait": 0 if self._dice.random() < 0.5 else 1}
        told = self._wire.post("/v1/collect", asked, patience=0.03 if impatient else PATIENCE)
        found = told.value["deliveries"] if told.status == 200 else []
        for delivery in found:
            self._take_note(delivery, "mailbox", asked_at=told.sent_at)
        if not found:
            self._ending.wait(0.1)
        return list(found)

    def _decide(self, found: list[Delivery]) -> None:
        self._answer(found, "decided")

    def _step_by_step(self, found: list[Delivery]) -> None:
        for stage in ("collected", "acknowledged", "decided"):
            self._answer(found, stage)

    def _twice(self, found: list[Delivery]) -> None:
        """The same answer twice changes nothing; another one contradicts it."""
        self._answer(found, "decided", outcome="advice")
        self._answer(found, "decided", outcome="advice")
        self._answer(found, "decided", outcome="assessment")

    def _late(self, found: list[Delivery]) -> None:
        if found:
            self._ending.wait(LEASE_SECONDS + self._dice.uniform(0.5, 3))
            self._answer(found, "decided")

    def _crash(self, _: list[Delivery]) -> None:
        """Forget what was collected: the leases must lapse."""

    def _for_others(self, found: list[Delivery]) -> None:
        """Answer another agency's deliveries, and one that does not exist."""
        others = [offer for offer in self._journal.offered[-200:] if offer.agency != self.code]
        strangers: list[Delivery] = [{"delivery": other.delivery} for other in others[-3:]]
        strangers.append({"delivery": str(UUID(int=self._dice.getrandbits(128), version=4))})
        self._give([self._receipt(stranger, "decided") for stranger in strangers])
        self._answer(found, "decided")

    def _give_back(self, found: list[Delivery]) -> None:
        """Keep one lease for longer, give all of them back, and answer with one of them."""
        if not found:
            return
        held = [
            {"delivery": delivery["delivery"], "lease": delivery["lease"]["id"]}
            for delivery in found
        ]
        self._wire.post("/v1/leases/extend", {"leases": held[:1]})
        self._wire.post("/v1/leases/release", {"leases": held})
        self._answer(found[:1], "decided")

    def _return(self, found: list[Delivery]) -> None:
        """Give one back: for another area, or to ops, who find out whose it is."""
        if self._dice.random() < 0.5:
            area = self._dice.choice(documents.AREAS)
            self._answer(found[:1], "returned", reason="wrong_area", area=area)
        else:
            self._answer(found[:1], "returned", reason="not_ours")
        self._answer(found[1:], "decided")


class QueueReader(Agency):
    """An agency that consumes its queue by itself and answers through ``receipts`` or HTTP."""

    def __init__(
        self, code: str, wire: Wire, dice: Random, journal: Journal, url: Callable[[], str]
    ) -> None:
        super().__init__(code, wire, dice, journal)
        self._url = url

    def _work(self) -> None:
        while not self._ending.is_set():
            with suppress(*CUT_OFF):
                self._consume()
            self._ending.wait(0.3)

    def _consume(self) -> None:
        limits = {"socket_timeout": 3, "socket_connect_timeout": 1}
        with Connection(self._url(), transport_options=limits) as connection:
            channel = connection.default_channel
            queue = Queue(f"agency.{self.code}", durable=True)(channel)
            queue.declare()
            while not self._ending.is_set():
                message = queue.get()
                if message is None:
                    self._ending.wait(0.1)
                    continue
                self._serve(_content(message.body), channel)
                message.ack()

    def _serve(self, delivery: Delivery, channel: Any) -> None:
        self._take_note(delivery, "queue", asked_at=time.monotonic())
        if not self._sober.is_set() and self._dice.random() < 0.05:
            return  # a crash after the message was taken: its patience must end
        answered = {name: delivery[name] for name in ("delivery", "kind")}
        if self._sober.is_set() or self._dice.random() < 0.5:
            self._answer([answered], "decided")
            return
        receipt = self._receipt(answered, "decided")
        sent_at = time.monotonic()
        self._publish({"receipts": [receipt]}, channel)
        self._note(receipt, sent_at, time.monotonic(), None)

    def _publish(self, value: dict[str, Any], channel: Any) -> None:
        body = json.dumps(value).encode()
        Producer(channel).publish(
            AgencyKey(private_key(self.code)).sign(self.code, body),
            exchange="",
            routing_key="receipts",
            content_type="application/jose",
            content_encoding="utf-8",
            declare=[Queue("receipts", durable=True)],
        )
