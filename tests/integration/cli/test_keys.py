"""``broker keys`` on a real ledger: a key is shown once, and ends when it should."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.admin.api_keys import Key, is_usable
from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, OrganisationCode
from broker.ledger.ledger import Ledger
from tests.unit.cli.conftest import Ran, Run, run

__all__ = ["run"]

Keys = Run


@pytest.fixture
def keys(run: Run, dsn: str) -> Keys:
    """Run ``broker keys`` with these arguments on a ledger of its own."""
    return lambda *arguments: run("keys", *arguments, BROKER_DATABASE_URL=dsn)


def issued(ran: Ran) -> str:
    return str(json.loads(ran.out)["key"])


def stored(dsn: str, id_: str) -> Credential:
    with Ledger.open(dsn, application_name="tests") as ledger:
        credential = ledger.credentials.credential(CredentialId(id_))
    assert credential is not None
    return credential


def test_a_key_is_shown_once_and_kept_as_a_hash(keys: Keys, dsn: str) -> None:
    key = keys("issue", "stoke-csc", "--scope", "collect", "--label", "test").out.strip()
    parsed = Key.parse(key)
    credential = stored(dsn, parsed.id)
    assert credential.secret_sha256 == parsed.secret_sha256
    assert (credential.organisation, credential.scopes) == ("stoke-csc", {"collect"})
    listed = keys("list").out + keys("list", "--json").out
    assert parsed.id in listed
    secret = key.split("_", 2)[2]  # the secret itself may hold a "_"
    assert len(secret) > 40
    assert secret not in listed


def test_a_key_goes_into_a_file_for_its_owner_alone(keys: Keys, tmp_path: Path) -> None:
    file = tmp_path / "key"
    ran = keys("issue", "stoke-csc", "--scope", "collect", "--into", str(file), "--json")
    assert Key.parse(file.read_text().strip()).id == json.loads(ran.out)["id"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys("issue", "stoke-csc", "--scope", "collect", "--into", str(file)).code == 1


def test_an_organisation_that_the_directory_does_not_know_gets_none(keys: Keys) -> None:
    ran = keys("issue", "nowhere", "--scope", "collect")
    assert ran.code == 4
    assert "broker directory show" in ran.err


def test_a_successor_has_the_same_scopes_and_the_old_one_ends_later(keys: Keys, dsn: str) -> None:
    old = Key.parse(issued(keys("issue", "ops", "--scope", "ops", "--json"))).id
    new = Key.parse(issued(keys("rotate", old, "--overlap-hours", "1", "--json"))).id
    assert stored(dsn, new).scopes == stored(dsn, old).scopes
    now = datetime.now(UTC)
    assert is_usable(stored(dsn, old), now)
    assert not is_usable(stored(dsn, old), now + timedelta(hours=1))
    assert is_usable(stored(dsn, new), now + timedelta(hours=1))


def test_a_key_has_a_limit_of_its_own_which_its_successor_keeps(keys: Keys, dsn: str) -> None:
    issue = ("issue", "ops", "--scope", "ops", "--json")
    first = Key.parse(issued(keys(*issue, "--calls-per-second", "500"))).id
    second = Key.parse(issued(keys("rotate", first, "--json"))).id
    third = Key.parse(issued(keys("rotate", second, "--calls-per-second", "50", "--json"))).id
    usual = Key.parse(issued(keys(*issue))).id
    limits = [stored(dsn, id_).calls_per_second for id_ in (first, second, third, usual)]
    assert limits == [500, 500, 50, None]
    listed = {row["id"]: row["calls_per_second"] for row in json.loads(keys("list", "--json").out)}
    assert [listed[id_] for id_ in (first, second, third, usual)] == [500, 500, 50, 200]


@pytest.mark.parametrize("calls", ["0", "2001", "many"])
def test_a_limit_that_no_key_can_have_is_refused(keys: Keys, dsn: str, calls: str) -> None:
    assert keys("issue", "ops", "--scope", "ops", "--calls-per-second", calls).code == 2
    with Ledger.open(dsn, application_name="tests") as ledger:
        assert ledger.credentials.credentials(OrganisationCode("ops")) == []


def test_a_revoked_key_ends_at_once_and_stays_so(keys: Keys, dsn: str) -> None:
    id_ = Key.parse(issued(keys("issue", "ops", "--scope", "ops", "--json"))).id
    assert json.loads(keys("revoke", id_, "--json").out)["state"] == "revoked"
    assert not is_usable(stored(dsn, id_), datetime.now(UTC))
    for more in ((), ("--dry-run",)):
        assert keys("revoke", id_, *more).code == 6
    assert keys("expire", id_, "--at", "2099-01-01").code == 6


def test_a_revoked_key_has_no_successor(keys: Keys, dsn: str) -> None:
    id_ = Key.parse(issued(keys("issue", "ops", "--scope", "ops", "--json"))).id
    keys("revoke", id_, "--yes")
    assert keys("rotate", id_).code == 6
    with Ledger.open(dsn, application_name="tests") as ledger:
        (only,) = ledger.credentials.credentials(OrganisationCode("ops"))
    assert only.id == id_


def test_a_key_expires_at_a_set_time(keys: Keys, dsn: str) -> None:
    id_ = Key.parse(issued(keys("issue", "ops", "--scope", "ops", "--json"))).id
    keys("expire", id_, "--at", "2099-01-01T12:00:00")
    assert stored(dsn, id_).expires_at == datetime(2099, 1, 1, 12, tzinfo=UTC)


def test_an_id_that_is_none_is_not_found(keys: Keys) -> None:
    for command in (
        ["rotate", "none"],
        ["revoke", "none"],
        ["expire", "none", "--at", "2099-01-01"],
    ):
        assert keys(*command).code == 4


def test_a_dry_run_says_whose_key_it_is_and_ends_none(keys: Keys, dsn: str) -> None:
    id_ = Key.parse(issued(keys("issue", "stoke-csc", "--scope", "collect", "--json"))).id
    ran = keys("revoke", id_, "--dry-run")
    assert (ran.code, ran.out) == (0, "")
    assert f"Key {id_} of stoke-csc (collect" in ran.err
    assert stored(dsn, id_).revoked_at is None
    assert keys("revoke", id_).code == 0
    assert stored(dsn, id_).revoked_at is not None
