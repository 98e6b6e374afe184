"""``broker policy`` and ``broker directory`` on a real ledger, with the shipped documents."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from broker.devstack.engines import Engines
from broker.devstack.sample_referrals import shipped
from broker.domain.ids import OrganisationCode
from broker.flow.accept import accept, screen
from broker.flow.context import Context
from broker.ledger.migrate import migrate
from broker.shipped import POLICY
from tests.conftest import FixedClock
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

POLICE = OrganisationCode("staffordshire-police")


@pytest.fixture
def admin(run: Run, dsn: str) -> Run:
    """Run ``broker`` on a ledger of its own."""
    return lambda *arguments: run(*arguments, BROKER_DATABASE_URL=dsn)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The shipped documents with one word that the directory does not know."""
    folder = tmp_path / "policy"
    shutil.copytree(POLICY, folder)
    directory = folder / "directory.yaml"
    directory.write_text(directory.read_text().replace("channel: queue", "channel: pigeon", 1))
    return folder


@pytest.fixture
def case_1(context: Context, clock: FixedClock, drain: Callable[[], None]) -> str:
    """The reference of a referral that is routed."""
    clock.set("2026-12-18T16:50+00:00")
    document = dict(shipped())["case-01-friday-afternoon"]
    body = json.dumps(document).encode()
    accept(context, [screen(context, POLICE, body, idempotency_key=None, actor="test")])
    drain()
    return str(document["reference"])


def test_the_shipped_documents_have_no_faults(run: Run) -> None:
    assert run("policy", "lint").code == 0
    assert json.loads(run("directory", "lint", "--json").out)["faults"] == []


def test_a_fault_names_its_file_and_line(run: Run, broken: Path) -> None:
    for noun in ("policy", "directory"):
        ran = run(noun, "lint", str(broken))
        assert ran.code == 3
        assert "directory.yaml:" in ran.out
    result = json.loads(run("policy", "lint", str(broken), "--json").out)
    assert not result["ok"]
    assert "pigeon" in result["faults"][0]["message"]


def test_a_policy_is_put_in_force_once(run: Run, engines: Engines, broken: Path) -> None:
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute("drop database if exists cli_policy")
        connection.execute("create database cli_policy")
    url = engines.database_url.replace("/postgres?", "/cli_policy?")
    migrate(url)
    assert run("policy", "show", BROKER_DATABASE_URL=url).code == 4
    assert run("policy", "publish", str(broken), BROKER_DATABASE_URL=url).code == 3
    first = json.loads(run("policy", "publish", "--json", BROKER_DATABASE_URL=url).out)
    assert json.loads(run("policy", "publish", "--json", BROKER_DATABASE_URL=url).out) == first
    shown = json.loads(run("policy", "show", "--json", BROKER_DATABASE_URL=url).out)
    assert shown["version"] == first["version"]
    with psycopg.connect(url) as connection:
        (stored,) = connection.execute(
            "select calendar_sha256, calendar_ends from policy"
        ).fetchall()
    assert (stored[0].hex(), stored[1].isoformat()) == (
        shown["calendar"]["sha256"],
        shown["calendar"]["ends"],
    )


def test_a_calendar_without_a_source_is_not_published(admin: Run, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(POLICY, folder)
    calendar = folder / "bank_holidays.yaml"
    calendar.write_text(calendar.read_text().replace("source:", "# source:"))
    ran = admin("policy", "publish", str(folder))
    assert ran.code == 3
    assert "bank_holidays.yaml:1" in ran.err


def test_rows_are_shown_with_their_reasons_and_deadlines(admin: Run) -> None:
    rows = json.loads(admin("policy", "show", "--json").out)["rows"]
    assert all(row["sentence"] and row["basis"] and row["source"] for row in rows)
    assert any(row["deadlines"] for row in rows)
    assert rows[0]["id"] in admin("policy", "show").out


def test_organisations_are_shown_and_one_by_its_code(admin: Run) -> None:
    everyone = json.loads(admin("directory", "show", "--json").out)
    (stoke,) = json.loads(admin("directory", "show", "stoke-csc", "--json").out)
    assert stoke in everyone
    assert (stoke["channel"], stoke["areas"]) == ("queue", ["E06000021"])
    assert stoke["contacts"]["duty"]["telephone"] == "01632 960111"
    assert stoke["contacts"]["duty"]["hours"] == "Mon Tue Wed Thu Fri 09:00-17:00"
    assert "stoke-csc" in admin("directory", "show").out
    assert admin("directory", "show", "nowhere").code == 4


def test_a_referral_is_explained_with_row_and_deadlines_in_words(admin: Run, case_1: str) -> None:
    explanation = json.loads(admin("policy", "explain", case_1, "--json").out)
    (leg,) = explanation["deliveries"]
    assert leg["agency"] == "stoke-csc"
    assert leg["explanation"]["deadlines"][0]["words"]
    by_id = json.loads(admin("policy", "explain", explanation["id"], "--json").out)
    assert by_id == explanation
    assert leg["explanation"]["sentence"][:20] in admin("policy", "explain", case_1).out
    assert admin("policy", "explain", "none").code == 4
