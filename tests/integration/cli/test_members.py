"""``broker members``: the first person of an organisation is let in, and access ends at once."""

import json
from pathlib import Path

import psycopg

from broker.admin.sign_in import digest
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
