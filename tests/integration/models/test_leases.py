"""Leases and fencing: whatever is tried, and in whatever order, one lease counts at a time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils.compat as ids
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from broker.domain.channel import ChannelForm
from broker.domain.codes import Stage
from broker.domain.delivery import (
    Offer,
    Receipt,
)
from broker.domain.ids import DeliveryId, LeaseId, OrganisationCode
from broker.domain.push import Attempt, Collected, Deferred, PushOutcome, Refused, Sent
from tests.integration.ledger.conftest import LEASE, NOW, Book
from tests.integration.models.conftest import explore

MOST = 4
SECONDS = timedelta(seconds=1)
_ORDER = ("collected", "acknowledged", "decided")


@dataclass
class Part:
    """What the model knows of one delivery."""

    channel: str
    state: str = "available"
    attempt: int = 0
    lease: UUID | None = None
    until: datetime | None = None
    due_at: datetime = NOW
    """When a push is due."""
    reached: set[str] = field(default_factory=set)
    leases: list[UUID] = field(default_factory=list)
    """Every lease that anybody ever had."""

    def lapse(self, now: datetime) -> None:
        self.state, self.until, self.due_at = "available", None, now

    def take(self, lease: UUID, until: datetime) -> None:
        self.state, self.lease, self.until = "leased", lease, until
        self.attempt += 1
        self.leases.append(lease)


class Leases(RuleBasedStateMachine):
    """Agencies that collect, a channel that pushes, a sweep, and a clock."""

    count = 0

    def __init__(self, book: Book) -> None:
        super().__init__()
        Leases.count += 1
        self.book = book
        self.mailbox = OrganisationCode(f"model-{Leases.count}-mailbox")
        self.channel = f"model-{Leases.count}-queue"
        form = ChannelForm(self.channel, "As the model sends.", is_push=True)
        book.ledger.organisations.sync_channels([form])
        self.now = NOW
        self.parts: dict[UUID, Part] = {}
        known = (self.mailbox, "A model", "social-care", "mailbox")
        book.ledger.organisations.sync_organisations([known])

    def teardown(self) -> None:
        """Leave no lease behind: the next machine's sweep would find it."""
        self.book.ledger.sweep.lapse(now=self.now + 10 * LEASE, limit=1000)

    @precondition(lambda self: len(self.parts) < MOST)
    @rule(pushed=st.booleans())
    def route(self, pushed: bool) -> None:
        channel = self.channel if pushed else "mailbox"
        referral = self.book.routed_to(self.mailbox, channel=channel, available_at=self.now)
        statement = "select id from delivery where referral = %s"
        ((id_,),) = self.book.look(statement, referral)
        self.parts[id_] = Part(channel, due_at=self.now)

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 90]))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECONDS

    @rule()
    def sweep(self) -> None:
        lapsed = [part for part in self.parts.values() if part.until and part.until <= self.now]
        for part in lapsed:
            part.lapse(self.now)
        assert self.book.ledger.sweep.lapse(now=self.now, limit=1000) == len(lapsed)

    @rule(limit=st.integers(1, 3))
    def collect(self, limit: int) -> None:
        waiting = [id_ for id_, part in sorted(self.parts.items()) if part.state == "available"]
        offers = self.book.collect(self.mailbox, limit=limit, now=self.now)
        self._taken(offers, set(waiting[:limit]))

    @rule(limit=st.integers(1, 3))
    def claim_pushes(self, limit: int) -> None:
        waiting = sorted(
            (part.due_at, id_)
            for id_, part in self.parts.items()
            if part.channel == self.channel
            and part.state == "available"
            and part.due_at <= self.now
        )
        offers = self.book.ledger.deliveries.claim_pushes(
            self.channel, limit=limit, lease_for=LEASE, now=self.now, new_id=ids.uuid7
        )
        self._taken(offers, {id_ for _, id_ in waiting[:limit]})

    @precondition(lambda self: any(part.leases for part in self.parts.values()))
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        id_, lease, part = self._held(data)
        stands = part.lease == lease and part.until is not None and part.until > self.now
        (extended,) = self.book.ledger.deliveries.extend(
            self.mailbox, [(DeliveryId(id_), LeaseId(lease))], lease_for=LEASE, now=self.now
        )
        assert (extended is not None) == stands
        if stands:
            part.until = self.now + LEASE

    @precondition(lambda self: any(part.leases for part in self.parts.values()))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        id_, lease, part = self._held(data)
        mine = part.lease == lease and part.state in {"leased", "available"}
        (released,) = self.book.ledger.deliveries.release(
            self.mailbox, [(DeliveryId(id_), LeaseId(lease))], now=self.now, actor="key:model"
        )
        assert released == mine
        if mine and part.state == "leased":
            part.lapse(self.now)

    @precondition(lambda self: any(part.leases for part in self.parts.values()))
    @rule(data=st.data(), result=st.sampled_from(["sent", "collected", "deferred", "refused"]))
    def settle_push(self, data: st.DataObject, result: str) -> None:
        id_, lease, part = self._held(data)
        until = self.now + 30 * SECONDS
        outcomes: dict[str, PushOutcome] = {
            "sent": Sent(until),
            "collected": Collected(),
            "deferred": Deferred(until, "busy"),
            "refused": Refused("gone"),
        }
        attempt = Attempt(DeliveryId(id_), LeaseId(lease), outcomes[result])
        settled = self.book.ledger.deliveries.settle_pushes(
            [attempt], now=self.now, actor="channel:model"
        )
        stands = part.lease == lease and part.state == "leased"
        assert settled == stands
        if stands:
            self._settle(part, result, until)

    @precondition(lambda self: self.parts)
    @rule(data=st.data(), stage=st.sampled_from(_ORDER), bears_lease=st.booleans())
    def answer(self, data: st.DataObject, stage: str, bears_lease: bool) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.parts)))
        part = self.parts[id_]
        lease = data.draw(st.sampled_from([*part.leases, UUID(int=7)])) if bears_lease else None
        outcome = "assessment" if stage == "decided" else None
        receipt = Receipt(
            DeliveryId(id_),
            Stage(stage),
            "A. Worker",
            LeaseId(lease) if lease else None,
            outcome,
            None,
            None,
            None,
        )
        (settled,) = self.book.answer(self.mailbox, receipt, now=self.now)
        assert settled.result == self._judged(part, stage, lease)

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        rows: dict[UUID, tuple[Any, ...]] = {
            row[0]: row[1:]
            for row in self.book.look(
                "select id, state, attempt, lease, lease_until from delivery where agency = %s",
                self.mailbox,
            )
        }
        assert rows == {
            id_: (part.state, part.attempt, part.lease, part.until)
            for id_, part in self.parts.items()
        }

    def _held(self, data: st.DataObject) -> tuple[UUID, UUID, Part]:
        held = [(id_, lease) for id_, part in self.parts.items() for lease in part.leases]
        id_, lease = data.draw(st.sampled_from(held))
        return id_, lease, self.parts[id_]

    def _taken(self, offers: list[Offer], expected: set[UUID]) -> None:
        assert {offer.id for offer in offers} == expected
        for offer in offers:
            assert offer.lease is not None
            assert offer.lease.id not in self.parts[offer.id].leases
            self.parts[offer.id].take(offer.lease.id, self.now + LEASE)
            assert offer.attempt == self.parts[offer.id].attempt

    def _settle(self, part: Part, result: str, until: datetime) -> None:
        if result == "sent":
            part.until = until
        elif result == "collected":
            part.reached.add("collected")
            part.state, part.until = "collected", None
        elif result == "deferred":
            part.lapse(until)
        else:
            part.state, part.until = "undeliverable", None

    def _judged(self, part: Part, stage: str, lease: UUID | None) -> str:
        """Say what must come of a receipt, and note it."""
        if lease is not None and lease != part.lease:
            return "lease_lost"
        if stage in part.reached:
            return "already"
        if part.state == "undeliverable":
            return "conflict"
        part.reached |= set(_ORDER[: _ORDER.index(stage) + 1])
        part.state, part.until = stage, None
        return "recorded"


def test_one_lease_counts_at_a_time(book: Book) -> None:
    explore(lambda: Leases(book))
