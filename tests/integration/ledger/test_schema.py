"""Which versions of the tables this code works with, and what PostgreSQL's faults are told as."""

import psycopg
import pytest

from broker.devstack.engines import Engines, as_application
from broker.errors import LedgerRefused, Unavailable
from broker.ledger import faults
from broker.ledger.ledger import Ledger
from broker.ledger.migrate import migrate, shipped
from broker.ledger.schema import misfit

NAMES = ["0030_ledger", "0047_more"]
APPLIED = dict.fromkeys(NAMES, 0)


@pytest.mark.parametrize(
    ("applied", "told"),
    [
        ({"0030_ledger": 0}, "from 0047_more on"),
        ({}, "lacks 2"),
        ({**APPLIED, "0050_gone": 48}, "0050_gone took away"),
        ({**APPLIED, "0050_gone": 47}, None),
        ({**APPLIED, "0099_added": 0}, None),
        (APPLIED, None),
    ],
)
def test_code_needs_its_own_files_and_works_until_what_it_needs_is_taken_away(
    applied: dict[str, int], told: str | None
) -> None:
    refused = misfit(applied, NAMES)
    assert (refused is None) == (told is None)
    assert told is None or told in refused.reason  # type: ignore[union-attr]


def refusal(dsn: str) -> LedgerRefused:
    """Return what opening a ledger at an address comes to."""
    with (
        Ledger.open(dsn, application_name="tests") as ledger,
        pytest.raises(LedgerRefused) as refused,
    ):
        ledger.schema.check()
    return refused.value


def test_a_ledger_without_tables_is_refused(engines: Engines) -> None:
    refused = refusal(engines.database_url.replace("/postgres?", "/template1?"))
    assert refused.cause == "schema"
    assert "broker migrate" in refused.next_step


def test_a_ledger_that_took_something_away_is_refused(fresh: str) -> None:
    newest = shipped()[-1].number
    with psycopg.connect(fresh) as owner:
        owner.execute(
            "insert into migration (name, sha256, works_from) values ('9999_gone', '', %s)",
            [newest + 1],
        )
    refused = refusal(as_application(fresh))
    assert "9999_gone" in refused.reason


def test_a_role_without_rights_is_told_so(fresh: str) -> None:
    with psycopg.connect(fresh) as owner:
        owner.execute("revoke all on migration from broker_application")
    refused = refusal(as_application(fresh))
    assert refused.cause == "grants"
    assert "permission denied for table migration" in refused.reason


def test_a_column_that_is_not_there_is_no_fault_of_the_caller(fresh: str) -> None:
    with psycopg.connect(fresh) as owner:
        owner.execute("alter table credential rename column label to name")
    with (
        Ledger.open(as_application(fresh), application_name="tests") as ledger,
        pytest.raises(LedgerRefused, match="label"),
    ):
        ledger.credentials.credentials()


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("//broker@", "//nobody_at_all@", "password"),
        ("/postgres?", "/nothing_at_all?", "database"),
        ("?host=", "?client_encoding=nonsense&host=", None),
    ],
)
def test_an_address_that_is_wrong_is_told_as_what_it_is(
    engines: Engines, old: str, new: str, cause: str | None
) -> None:
    url = engines.database_url.replace(old, new)
    if cause is None:
        with Ledger.open(url, application_name="tests") as ledger, pytest.raises(Unavailable):
            ledger.ping()
        return
    assert refusal(url).cause == cause
    with pytest.raises(LedgerRefused) as refused:
        migrate(url)
    assert refused.value.cause == cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('FATAL:  password authentication failed for user "x"', "password"),
        ("connection failed: fe_sendauth: no password supplied", "password"),
        ('FATAL:  no pg_hba.conf entry for host "192.0.2.1", user "x"', "password"),
        ('FATAL:  database "x" does not exist', "database"),
        ('server certificate for "a" does not match host name "b"', "certificate"),
        ("SSL error: certificate verify failed", "certificate"),
        ("server does not support SSL, but SSL was required", "certificate"),
        ('could not translate host name "x" to address', "address"),
        ("PostgreSQL 15 is too old", "version"),
    ],
)
def test_faults_for_good_are_told_apart(text: str, cause: str) -> None:
    fault = faults.fault_of(psycopg.OperationalError(text))
    assert isinstance(fault, LedgerRefused)
    assert (fault.cause, bool(fault.next_step)) == (cause, True)


@pytest.mark.parametrize(
    "text", ["Connection refused", "FATAL:  the database system is starting up", "timeout expired"]
)
def test_what_passes_is_unavailable(text: str) -> None:
    assert type(faults.fault_of(psycopg.OperationalError(text))) is Unavailable
