"""``broker members``: the first person of an organisation is let in, and access ends at once."""

import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from broker.admin.sign_in import digest
from broker.cli.database.findings import Failed
from broker.cli.database.sign_in_check import look_at_sign_in
from broker.flow.context import Context
from broker.settings import OpenIdProvider
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

JO = ("stoke-csc", "jo@example.org")


def look(dsn: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_the_first_person_gets_a_link_that_only_they_have(run: Run, dsn: str) -> None:
    ran = run("members", "link", *JO, "--name", "Jo Example", "--json", BROKER_DATABASE_URL=dsn)
    assert ran.code == 0, ran.err
    secret = json.loads(ran.out)["url"].rpartition("/")[2]
    assert look(dsn, "select name, rights, invited_by from member") == [
        ("Jo Example", ["administer", "answer", "read"], "cli")
    ]
    assert look(dsn, "select secret_sha256, used_at from member_link") == [(digest(secret), None)]
    listed = json.loads(run("members", "list", "stoke-csc", "--json", BROKER_DATABASE_URL=dsn).out)
    assert [member["email"] for member in listed] == ["jo@example.org"]


def test_what_is_wrong_is_said_with_the_next_step(run: Run, dsn: str) -> None:
    environment = {"BROKER_DATABASE_URL": dsn}
    nowhere = run("members", "link", "nowhere", "x@example.org", "--name", "X", **environment)
    assert nowhere.code != 0
    assert "no organisation has the code nowhere" in nowhere.err
    unknown = run("members", "link", *JO, **environment)
    assert unknown.code != 0
    assert "--name" in unknown.err
    for more in (("--name", "Jo", "--rights", "fly"), ("--name", " ")):
        assert run("members", "link", *JO, *more, **environment).code == 2
    assert run("members", "link", "stoke-csc", "jo", "--name", "Jo", **environment).code == 2
    assert look(dsn, "select count(*) from member") == [(0,)]


def test_access_ends_and_a_restore_ends_it_again(run: Run, dsn: str, tmp_path: Path) -> None:
    log = tmp_path / "side.log"
    environment = {"BROKER_DATABASE_URL": dsn, "BROKER_SIDE_LOG": str(log)}
    run("members", "link", *JO, "--name", "Jo Example", **environment)
    alone = run("members", "disable", *JO, **environment)
    rehearsed = run("members", "disable", *JO, "--dry-run", **environment)
    assert alone.code != 0
    assert "last person" in alone.err
    assert (rehearsed.code, rehearsed.err) == (alone.code, alone.err)
    run("members", "link", "stoke-csc", "sam@example.org", "--name", "Sam Example", **environment)
    assert run("members", "disable", *JO, "--dry-run", **environment).code == 0
    assert look(dsn, "select count(*) from member where disabled_at is null") == [(2,)]
    assert run("members", "disable", *JO, **environment).code == 0
    assert look(dsn, "select name from member where disabled_at is not null") == [("Jo Example",)]
    entry = json.loads(log.read_text())
    assert entry["change"] == "member-disabled"
    assert entry["organisation"] == "stoke-csc"


def test_ops_set_how_people_of_an_organisation_sign_in(run: Run, dsn: str) -> None:
    environment = {"BROKER_DATABASE_URL": dsn}
    way = ("members", "sign-in", "stoke-csc")
    run("members", "link", *JO, "--name", "Jo Example", **environment)
    for _ in range(2):  # the second says the same, and is no further event
        done = run(*way, "provider", "--by", "Ops Example", "--json", **environment)
        assert json.loads(done.out) == {"organisation": "stoke-csc", "sign_in": "provider"}
    refused = run("members", "link", *JO, **environment)
    assert refused.code != 0
    assert "broker members sign-in stoke-csc links" in refused.err
    lee = ("stoke-csc", "lee@example.org", "--name", "Lee Example")
    assert run("members", "link", *lee, **environment).code == refused.code
    assert look(dsn, "select name from member") == [("Jo Example",)]
    assert run(*way, "links", "--by", "Ops Example", **environment).code == 0
    assert run("members", "link", *JO, **environment).code == 0
    assert run("members", "sign-in", "nowhere", "links", "--by", "X", **environment).code == 4
    assert run(*way, "passwords", "--by", "X", **environment).code == 2
    statement = "select actor, agency, data from event where kind = 'organisation.sign_in_set'"
    assert look(dsn, f"{statement} order by id") == [
        ("person:Ops Example", "stoke-csc", {"with_provider": is_on}) for is_on in (True, False)
    ]


def test_doctor_finds_an_organisation_in_which_nobody_can_sign_in(context: Context) -> None:
    ledger, settings = context.ledger, context.settings
    assert look_at_sign_in(ledger, settings) == "people of organisations use links"
    code = next(iter(ledger.monitoring.organisation_status()))
    ledger.members.set_sign_in(code, with_provider=True, by="person:Ops", now=context.clock())
    with pytest.raises(Failed, match=f"people of {code} sign in with the provider"):
        look_at_sign_in(ledger, settings)
    at = OpenIdProvider("https://login.example.org", "broker", "a-secret-of-the-tests")
    assert "1 organisation signs in" in look_at_sign_in(ledger, replace(settings, provider=at))
