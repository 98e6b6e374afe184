"""``broker keys`` for queues: what is in the rows, in the files and at the message broker."""

from __future__ import annotations

import json
import shlex
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from broker.admin import signing_keys
from broker.cli.exit_codes import NOT_FOUND
from broker.devstack.engines import Engines
from broker.ledger.ledger import Ledger
from broker.transport.encryption import new_encryption_key
from broker.transport.signatures import CopySigner, PublicKey
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]


@pytest.fixture
def keys(run: Run, dsn: str, engines: Engines) -> Run:
    """Run ``broker keys`` on a ledger of its own and on the real exchange."""
    engines.exchange.start()
    engines.exchange.wipe()
    return lambda *arguments: run(
        "keys",
        *arguments,
        BROKER_DATABASE_URL=dsn,
        BROKER_EXCHANGE_URL=engines.exchange_url,
        BROKER_WAKEUP_URL=engines.wakeup_url,
    )


def published(dsn: str, *, later: timedelta = timedelta(0)) -> set[str]:
    """Return the ids of the broker's keys that are published, now or later."""
    with Ledger.open(dsn, application_name="tests") as ledger:
        return {key.id for key in signing_keys.published(ledger, now=datetime.now(UTC) + later)}


def id_in(file: Path) -> str:
    return CopySigner(file.read_text()).public.id


def test_a_signing_key_is_rotated_with_an_overlap_and_retired(
    keys: Run, dsn: str, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert keys("signing", "new", "--into", str(first)).code == 0
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert keys("signing", "rotate", "--into", str(second), "--overlap-hours", "1").code == 0
    assert published(dsn) == {id_in(first), id_in(second)}
    assert published(dsn, later=timedelta(hours=2)) == {id_in(second)}
    assert keys("signing", "retire", id_in(first)).code == 0
    assert published(dsn) == {id_in(second)}
    again = keys("signing", "retire", "unknown")
    assert (again.code, "broker keys signing list" in again.err) == (NOT_FOUND, True)
    listed = json.loads(keys("signing", "list", "--json").out)
    assert [row["id"] for row in listed] == [id_in(first), id_in(second)]


def test_an_agencys_keys_are_registered_by_their_kind_listed_and_revoked(
    keys: Run, dsn: str, tmp_path: Path
) -> None:
    for use in ("receipts", "copies"):
        private, public = tmp_path / use, tmp_path / f"{use}.pub"
        made = keys(
            *("agency-key", "new", "--for", use, "--into", str(private)),
            *("--public-key", str(public)),
        )
        assert made.code == 0
        assert "PRIVATE" not in public.read_text()
        ran = keys("register", "stoke-csc", "--public-key", str(public), "--json")
        assert json.loads(ran.out)["use"] == use
        assert keys("register", "shropshire-csc", "--public-key", str(public)).code != 0
    listed = json.loads(keys("agency-key", "list", "--organisation", "stoke-csc", "--json").out)
    assert [row["use"] for row in listed] == ["receipts", "copies"]
    assert listed[0]["id"] == PublicKey.from_pem((tmp_path / "receipts").read_text()).id
    for row in listed:
        assert keys("agency-key", "revoke", row["id"]).code == 0
        assert keys("agency-key", "revoke", row["id"]).code != 0
    with Ledger.open(dsn, application_name="tests") as ledger:
        stored = signing_keys.agency_keys(ledger)
        assert all(key.revoked_at is not None for key in stored)
        assert not ledger.queue_keys.newest_encryption_keys(["stoke-csc"], datetime.now(UTC))


@pytest.mark.parametrize("command", [("signing", "retire"), ("agency-key", "revoke")])
def test_an_id_may_begin_with_a_hyphen(keys: Run, command: tuple[str, str]) -> None:
    ran = keys(*command, "-hYp_hen")
    assert ran.code == NOT_FOUND
    assert ran.err.startswith("error: -hYp_hen is no key")


def test_the_newest_key_in_use_is_encrypted_to(dsn: str) -> None:
    now = datetime.now(UTC)
    with Ledger.open(dsn, application_name="tests") as ledger:
        ids = []
        for minutes in (0, 1):
            at = now + timedelta(minutes=minutes)
            pem = new_encryption_key()
            ids.append(signing_keys.register_any(ledger, "stoke-csc", pem, now=at)[0])
        newest = ledger.queue_keys.newest_encryption_keys(["stoke-csc", "shropshire-csc"], now)
        assert {agency: key.id for agency, key in newest.items()} == {"stoke-csc": ids[1]}
        signing_keys.revoke(ledger, ids[1], now=now)
        newest = ledger.queue_keys.newest_encryption_keys(["stoke-csc"], now)
        assert newest["stoke-csc"].id == ids[0]


def test_an_exchange_user_reads_its_own_queue_and_writes_receipts(
    keys: Run, engines: Engines, tmp_path: Path
) -> None:
    file = tmp_path / "stoke.url"
    assert keys("exchange-user", "stoke-csc", "--into", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with Redis.from_url(engines.exchange_url) as broker:
        user = broker.acl_getuser("stoke-csc")
        assert "%W~receipts" in str(user["keys"])
        assert "~agency.stoke-csc" in str(user["keys"])
        assert "-@all" in str(user["categories"])
    with Redis.from_url(file.read_text().strip()) as valkey:
        assert valkey.llen("agency.stoke-csc") == 0
        with pytest.raises(NoPermissionError):
            valkey.llen("agency.shropshire-csc")


def test_a_command_that_is_shown_makes_the_user_and_holds_no_password(
    keys: Run, engines: Engines, tmp_path: Path
) -> None:
    file = tmp_path / "shropshire.url"
    ran = keys("exchange-user", "shropshire-csc", "--into", str(file), "--show")
    assert ran.out.startswith("ACL SETUSER shropshire-csc reset on ~agency.shropshire-csc")
    assert str(urlsplit(file.read_text()).password) not in ran.out
    with Redis.from_url(engines.exchange_url) as broker:
        assert broker.acl_getuser("shropshire-csc") is None
        broker.execute_command(*shlex.split(ran.out))
    with Redis.from_url(file.read_text().strip()) as valkey:
        assert valkey.llen("agency.shropshire-csc") == 0
    other = str(tmp_path / "nobody.url")
    assert keys("exchange-user", "nobody-csc", "--into", other).code == NOT_FOUND
