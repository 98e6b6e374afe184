"""What a row of a busy table names is there, though no foreign key checks it row by row."""

import psycopg
import pytest
from psycopg.errors import ForeignKeyViolation

from broker.devstack.engines import as_application
from tests.integration.ledger.conftest import STOKE, Book

NOBODY = "00000000-0000-4000-8000-000000000000"
REFERRAL = "select id, publisher, reference, digest, accepted_at from referral limit 1"
DELIVERY = """
insert into delivery (id, referral, agency, channel, role, policy_row, view, state, available_at,
                      clock_start, policy_version)
select gen_random_uuid(), {referral}, {agency}, channel, role, policy_row, view, 'available',
       available_at, clock_start, {policy}
from delivery limit 1
"""
NAMED = {"referral": "referral", "agency": "agency", "policy": "policy_version"}
ORPHANS = {
    "referral.publisher": f"""
        insert into referral (id, publisher, reference, digest, accepted_at)
        select gen_random_uuid(), 'nobody', 'x', digest, accepted_at from ({REFERRAL}) as known
    """,
    "delivery.referral": DELIVERY.format(**{**NAMED, "referral": f"'{NOBODY}'"}),
    "delivery.agency": DELIVERY.format(**{**NAMED, "agency": "'nobody'"}),
    "delivery.policy_version": DELIVERY.format(**{**NAMED, "policy": "'none'"}),
    "referral_content.referral": f"insert into referral_content values ('{NOBODY}', 'x', 1)",
    "delivery_reason.delivery": f"insert into delivery_reason values ('{NOBODY}', '{{}}', '{{}}')",
    "answer.delivery": f"""
        insert into answer (delivery, stage, at, given_by)
        values ('{NOBODY}', 'collected', now(), 'x')
    """,
}
KEPT = {
    "referral": "id = (select referral from delivery limit 1)",
    "delivery": "id = (select delivery from delivery_reason limit 1)",
    "organisation": f"code = '{STOKE}'",
    "policy": "version = (select policy_version from delivery where policy_version is not null)",
}
KEYS = {"referral": "id", "delivery": "id", "organisation": "code", "policy": "version"}


@pytest.fixture
def routed(book: Book) -> Book:
    """A ledger with one referral and its delivery."""
    book.routed_to(STOKE)
    with psycopg.connect(book.dsn) as connection:
        connection.execute("update delivery set policy_version = 'v1'")
    return book


@pytest.mark.parametrize("orphan", ORPHANS.values(), ids=ORPHANS)
def test_a_row_that_names_nothing_is_refused(routed: Book, orphan: str) -> None:
    with (
        psycopg.connect(as_application(routed.dsn)) as connection,
        pytest.raises(ForeignKeyViolation),
    ):
        connection.execute(orphan.encode())


@pytest.mark.parametrize("policy", ["policy_version", "null"])
def test_a_row_that_names_what_is_there_is_written(routed: Book, policy: str) -> None:
    statement = DELIVERY.format(**{**NAMED, "policy": policy})
    with psycopg.connect(as_application(routed.dsn)) as connection:
        assert connection.execute(statement.encode()).rowcount == 1


def refused_with(book: Book, change: str) -> None:
    with (
        psycopg.connect(book.dsn) as connection,
        pytest.raises(ForeignKeyViolation, match="still names it"),
    ):
        connection.execute(change.encode())


@pytest.mark.parametrize("table", KEPT)
def test_what_a_row_names_is_not_deleted(routed: Book, table: str) -> None:
    refused_with(routed, f"delete from {table} where {KEPT[table]}")


@pytest.mark.parametrize("table", KEPT)
def test_what_a_row_names_keeps_its_key(routed: Book, table: str) -> None:
    key = KEYS[table]
    new = f"'{NOBODY}'" if key == "id" else "'other'"
    refused_with(routed, f"update {table} set {key} = {new} where {KEPT[table]}")


def test_what_nothing_names_can_be_deleted(book: Book) -> None:
    with psycopg.connect(book.dsn) as connection:
        connection.execute(
            "insert into organisation values ('unnamed', 'Unnamed', 'police', 'mailbox')"
        )
        deleted = connection.execute("delete from organisation where code = 'unnamed'")
        assert deleted.rowcount == 1
