"""Accepting is all or nothing, safe to repeat, and never overwrites."""

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from broker.devstack.engines import Engines
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import (
    Accepted,
    Contradiction,
    NewReferral,
)
from broker.domain.states import ReferralState
from broker.errors import Unavailable
from broker.ledger.ledger import Ledger
from broker.ledger.migrate import migrate
from broker.ledger.operator_actions import ActionContext

NOW = datetime(2026, 12, 18, 16, 50, tzinfo=UTC)


@pytest.fixture
def dsn(engines: Engines) -> Iterator[str]:
    """The address of a migrated ledger that knows one police force."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        address = engines.database_url.replace("/postgres?", f"/{name}?")
        migrate(address)
        with psycopg.connect(address) as first:
            first.execute("insert into organisation values ('police', 'P', 'police', 'mailbox')")
        yield address
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    """The ledger under test."""
    with Ledger.open(dsn, application_name="test") as opened:
        yield opened


def new(reference: str, content: str = "{}", *, key: str | None = None) -> NewReferral:
    """Return a submission with a fresh id."""
    body = content.encode()
    digest = hashlib.sha256(body).digest()
    police = OrganisationCode("police")
    return NewReferral(
        ReferralId(uuid4()), police, reference, key, digest, body, NOW, "rb_test0001"
    )


def ask(dsn: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(question).fetchall()


def test_a_new_referral_is_written_with_its_content_and_one_event(ledger: Ledger, dsn: str) -> None:
    referral = new("OCC/1", '{"a": 1}')
    assert ledger.referrals.accept([referral]) == [
        Accepted(
            referral.id, "OCC/1", referral.digest, ReferralState.ACCEPTED, NOW, duplicate=False
        )
    ]
    assert ask(dsn, "select body from referral_content") == [(b'{"a": 1}',)]
    assert ask(dsn, "select kind, at, actor from event") == [
        ("referral.accepted", NOW, "rb_test0001")
    ]


def test_the_same_again_is_the_first_one(ledger: Ledger, dsn: str) -> None:
    first, again = new("OCC/1"), new("OCC/1")
    ledger.referrals.accept([first])
    (receipt,) = ledger.referrals.accept([again])
    assert isinstance(receipt, Accepted)
    assert (receipt.id, receipt.duplicate) == (first.id, True)
    assert ask(dsn, "select count(*) from event") == [(1,)]


def test_other_content_under_the_reference_changes_nothing(ledger: Ledger, dsn: str) -> None:
    first = new("OCC/1", "{}")
    ledger.referrals.accept([first])
    assert ledger.referrals.accept([new("OCC/1", "[]")]) == [Contradiction(first.id, "reference")]
    assert ask(dsn, "select body from referral_content") == [(b"{}",)]


def test_other_content_under_the_idempotency_key_changes_nothing(ledger: Ledger) -> None:
    first = new("OCC/1", key="try-1")
    ledger.referrals.accept([first])
    refused = ledger.referrals.accept([new("OCC/2", "[]", key="try-1")])
    assert refused == [Contradiction(first.id, "idempotency_key")]


def test_a_batch_answers_in_order_also_for_its_own_repeats(ledger: Ledger) -> None:
    batch = [new("OCC/1"), new("OCC/2"), new("OCC/1"), new("OCC/2", "[]")]
    first, second, third, fourth = ledger.referrals.accept(batch)
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert isinstance(third, Accepted)
    assert (first.duplicate, second.duplicate, third.duplicate) == (False, False, True)
    assert third.id == first.id
    assert fourth == Contradiction(second.id, "reference")


def test_a_corrected_referral_takes_the_place_of_a_rejected_one(ledger: Ledger, dsn: str) -> None:
    wrong, right = new("OCC/1", "{}"), new("OCC/1", "[]")
    ledger.referrals.accept([wrong])
    with psycopg.connect(dsn) as connection:
        connection.execute("update referral set state = 'rejected', next_attempt_at = null")
    (same,) = ledger.referrals.accept([new("OCC/1", "{}")])
    assert isinstance(same, Accepted)
    assert (same.id, same.state) == (wrong.id, ReferralState.ACCEPTED)
    with psycopg.connect(dsn) as connection:
        connection.execute("update referral set state = 'rejected', next_attempt_at = null")
    (corrected,) = ledger.referrals.accept([right])
    assert isinstance(corrected, Accepted)
    assert (corrected.id, corrected.duplicate) == (right.id, False)
    assert ask(dsn, "select id, state, replaces from referral order by state desc") == [
        (wrong.id, "closed", None),
        (right.id, "accepted", wrong.id),
    ]


def test_a_rejected_one_whose_reference_another_has_is_not_judged_anew(
    ledger: Ledger, dsn: str
) -> None:
    """The other one came while the first was being rejected, so it did not take its place."""
    wrong, right = new("OCC/1", "{}"), new("OCC/1", "[]")
    ledger.referrals.accept([wrong])
    with psycopg.connect(dsn) as connection:
        connection.execute("update referral set state = 'rejected', next_attempt_at = null")
    ledger.referrals.accept([right])
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update referral set state = 'rejected', closed_at = null where id = %s", [wrong.id]
        )
    (again,) = ledger.referrals.accept([new("OCC/1", "{}")])
    assert again == Contradiction(right.id, "reference")
    action = ActionContext(uuid4(), "person:Jo Example", "Test", NOW)
    assert not ledger.routing.retry_routing(wrong.id, action)
    assert ask(dsn, "select id, state from referral order by state desc") == [
        (wrong.id, "rejected"),
        (right.id, "accepted"),
    ]


def test_many_at_once_agree_on_one(ledger: Ledger, dsn: str) -> None:
    receipts: list[Accepted | Contradiction] = []
    threads = [
        threading.Thread(target=lambda: receipts.extend(ledger.referrals.accept([new("OCC/1")])))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(receipts) == 6
    assert len({receipt.id for receipt in receipts}) == 1
    assert ask(dsn, "select count(*) from referral") == [(1,)]


def test_a_ledger_that_is_away_says_so(tmp_path: Path) -> None:
    dsn = f"postgresql://broker@/postgres?host={tmp_path}"
    with Ledger.open(dsn, application_name="test") as away, pytest.raises(Unavailable):
        away.referrals.accept([new("OCC/1")])


def test_a_key_of_another_referral_is_named_though_the_reference_would_be_free(
    ledger: Ledger, dsn: str
) -> None:
    """A rejected one gives way to a corrected one: its reference stands against nothing."""
    rejected = new("A", "1")
    other = new("B", "2", key="k")
    ledger.referrals.accept([rejected, other])
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update referral set state = 'rejected', next_attempt_at = null where id = %s",
            [rejected.id],
        )
    (refused,) = ledger.referrals.accept([new("A", "3", key="k")])
    assert refused == Contradiction(other.id, "idempotency_key")
