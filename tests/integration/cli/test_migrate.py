"""``broker migrate`` on a real, empty PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from broker.devstack.engines import Engines
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]


@pytest.fixture
def empty(engines: Engines) -> str:
    """A database without a single table."""
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute("drop database if exists cli_migrate")
        connection.execute("create database cli_migrate")
    return engines.database_url.replace("/postgres?", "/cli_migrate?")


def test_it_applies_what_waits_once(run: Run, empty: str, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(empty)
    before = json.loads(run("migrate", "--status", "--json", BROKER_DATABASE_URL=empty).out)
    assert before["applied"] == []
    assert before["waiting"]
    first = json.loads(run("migrate", "--json", BROKER_DATABASE_URL_FILE=str(file)).out)
    assert first == {"applied": before["waiting"], "waiting": []}
    assert "up to date" in run("migrate", BROKER_DATABASE_URL=empty).out


def test_without_a_ledger_the_message_says_where_to_name_it(run: Run) -> None:
    ran = run("migrate")
    assert ran.code == 2
    assert "BROKER_DATABASE_URL" in ran.err


def test_a_ledger_that_is_away_is_exit_5(run: Run) -> None:
    assert run("migrate", BROKER_DATABASE_URL="postgresql://127.0.0.1:9/x").code == 5
