"""A ledger of its own for each test, with a few organisations and a policy to point at."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import uuid_utils.compat as ids

from broker.devstack.engines import Engines, as_application
from broker.domain.codes import Grade, Milestone, Role
from broker.domain.delivery import (
    NewDelivery,
    Offer,
    Receipt,
    Settled,
)
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.referral import NewReferral, Recalled, Refused, Withdrawal
from broker.domain.states import DeliveryState
from broker.ledger.ledger import Ledger
from broker.ledger.migrate import migrate
from broker.ledger.operator_actions import NO_REASON, ActionContext
from broker.policy.decision import Routed, Verdict

NOW = datetime(2026, 12, 11, 10, 0, tzinfo=UTC)
LEASE = timedelta(seconds=60)
POLICE = OrganisationCode("staffordshire-police")
STOKE = OrganisationCode("stoke-csc")
SHROPSHIRE = OrganisationCode("shropshire-csc")
FORCE = """
update delivery
set state = %(state)s, next_attempt_at = %(due)s, hand_over_at = null,
    lease_until = case when %(state)s = 'leased' then %(now)s::timestamptz end,
    undeliverable_at = case when %(state)s = 'undeliverable' then %(now)s::timestamptz end,
    returned_at = case when %(state)s in ('returned', 'handed_over') then %(now)s::timestamptz end,
    decided_at = case when %(state)s = 'decided' then %(now)s::timestamptz end
"""
_numbers = itertools.count()


@pytest.fixture(scope="session")
def migrated(engines: Engines) -> str:
    name = f"ledger_template_{next(_numbers)}"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    migrate(engines.database_url.replace("/postgres?", f"/{name}?"))
    return name


@pytest.fixture
def fresh(engines: Engines, migrated: str) -> Iterator[str]:
    """The address of a database of its own."""
    with copied(engines, migrated) as dsn:
        yield dsn


@contextmanager
def copied(engines: Engines, template: str) -> Iterator[str]:
    """Yield the address of a copy of a database, to which nothing may be connected."""
    name = f"ledger_{next(_numbers)}"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(
            f"create database {name} template {template} strategy file_copy".encode()
        )
        yield engines.database_url.replace("/postgres?", f"/{name}?")
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def book(fresh: str) -> Iterator["Book"]:
    with opened(fresh) as book:
        yield book


@contextmanager
def opened(dsn: str) -> Iterator["Book"]:
    """Yield a ledger in a database that has just been made, with three organisations."""
    with Ledger.open(as_application(dsn), application_name="tests") as ledger:
        ledger.organisations.sync_organisations(
            [
                (POLICE, "Staffordshire Police", "police", "mailbox"),
                (STOKE, "Stoke social care", "social-care", "queue"),
                (SHROPSHIRE, "Shropshire social care", "social-care", "mailbox"),
            ]
        )
        ledger.policies.publish_policy("v1", bytes(32), {"policy.yaml": "rows: []"}, NOW)
        yield Book(ledger, dsn)


class Book:
    """Short words for what the tests do with a ledger again and again."""

    def __init__(self, ledger: Ledger, dsn: str) -> None:
        self.ledger = ledger
        self.dsn = dsn

    def accept(self, reference: str, *, now: datetime = NOW) -> ReferralId:
        id_ = ReferralId(ids.uuid7())
        body = f'{{"reference": "{reference}"}}'.encode()
        new = NewReferral(id_, POLICE, reference, None, bytes(32), body, now, "key:test")
        (receipt,) = self.ledger.referrals.accept([new])
        return receipt.id

    def route(self, *agencies: OrganisationCode, now: datetime = NOW, **changes: Any) -> None:
        """Route whatever waits to these agencies."""
        with self.ledger.routing.claim_unrouted(100, now=now) as batch:
            batch.settle(
                [
                    routed(referral.id, [new_delivery(agency, **changes) for agency in agencies])
                    for referral in batch.referrals
                ],
                now=now,
                actor="broker",
            )

    def routed_to(self, *agencies: OrganisationCode, **changes: Any) -> ReferralId:
        id_ = self.accept(f"ref-{next(_numbers)}")
        self.route(*agencies, **changes)
        return id_

    def collect(
        self, agency: OrganisationCode, *, limit: int = 100, now: datetime = NOW
    ) -> list[Offer]:
        return self.ledger.deliveries.collect(
            agency, limit=limit, lease_for=LEASE, now=now, new_id=ids.uuid7
        )

    def answer(
        self, agency: OrganisationCode, *receipts: Receipt, now: datetime = NOW
    ) -> list[Settled]:
        with self.ledger.receipts.settle(agency, receipts, now=now, actor="key:agency") as batch:
            return list(batch.results)

    def recall(self, withdrawal: Withdrawal) -> Recalled | Refused:
        """Recall a referral; what its agencies are told is left to routing."""
        with self.ledger.corrections.recall(withdrawal) as recalled:
            return recalled.receipt

    def kinds(self, referral: ReferralId) -> list[str]:
        return [event.kind for event in self.ledger.queries.timeline(referral)]

    def force(self, state: DeliveryState, *, due: datetime | None = None) -> None:
        """Put every delivery into a state, whatever the table of steps says."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(FORCE.encode(), {"state": str(state), "due": due, "now": NOW})

    def do(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement.encode(), values)

    def look(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement.encode(), values).fetchall()


def by_ops(now: datetime) -> ActionContext:
    """An action of ops through a call that asks for no reason."""
    return ActionContext(ids.uuid7(), "key:ops", NO_REASON, now)


def new_delivery(
    agency: OrganisationCode,
    *,
    state: DeliveryState = DeliveryState.AVAILABLE,
    acknowledge_in: timedelta = timedelta(hours=4),
    decide_in: timedelta | None = timedelta(days=1),
    available_at: datetime = NOW,
    channel: str = "mailbox",
) -> NewDelivery:
    return NewDelivery(
        id=DeliveryId(ids.uuid7()),
        agency=agency,
        channel=channel,
        role=Role.LEAD,
        row="social-care",
        view="social-care",
        scope={"children": ["c1"], "persons": []},
        state=state,
        available_at=available_at,
        clock_start=NOW,
        due={
            Milestone.ACKNOWLEDGE: NOW + acknowledge_in,
            **({Milestone.DECIDE: NOW + decide_in} if decide_in else {}),
        },
        explanation={"sentence": "A child lives there.", "deadlines": []},
    )


def routed(id_: ReferralId, deliveries: list[NewDelivery]) -> Routed:
    return Routed(id_, Verdict("v1", "v1", Grade.HIGH, Grade.HIGH, NOW), deliveries)
