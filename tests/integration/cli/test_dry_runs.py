"""A dry run over HTTP is the act itself, rolled back: refused alike, and nothing of it stays."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from broker.admin.dry_runs import try_recall
from broker.domain.codes import RecallReason
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import Withdrawal
from broker.flow import epoch_cache, policy_cache
from broker.flow.activity_counter import ANSWERED
from broker.flow.context import Context
from broker.flow.correct import recall
from broker.ledger.rehearsal import rehearsing
from broker.side_log import SideLog
from tests.acceptance.conftest import World, world
from tests.acceptance.test_untidy_wishes import handed_in, wish
from tests.integration.cli.test_ops import Ops, clock, delivery, ops
from tests.rows import rows
from tests.unit.cli.conftest import Ran, run

__all__ = ["clock", "delivery", "ops", "run", "world"]
OF_THE_PROCESS = {"credential", "process_report", "presence", "traffic"}
"""What a gateway writes whatever is called: when a key was last used, that it lives."""
RECALL = ("--reason", "wrong_person", "--by", "DS Imogen Farlow")


def digest(context: Context) -> dict[str, Any]:
    """Return what stands in every table: how many rows, and a digest of all of them."""
    tables = rows(
        context, "select tablename from pg_tables where schemaname = 'public' order by tablename"
    )
    return {
        name: rows(
            context,
            f"select count(*), md5(string_agg(t::text, ',' order by t::text)) from {name} t",
        )
        for (name,) in tables
        if name not in OF_THE_PROCESS
    }


def withdrawal(context: Context, delivery: dict[str, Any]) -> Withdrawal:
    return Withdrawal(
        ReferralId(UUID(delivery["referral"])),
        OrganisationCode("staffordshire-police"),
        RecallReason.WRONG_PERSON,
        "DS Imogen Farlow",
        context.clock(),
        "key:1",
    )


@pytest.fixture
def police(ops: Ops, world: World) -> Ops:
    """Run a command with a key of the force."""
    key = world.police["Authorization"].removeprefix("Bearer ")
    return lambda *arguments: ops(*arguments, BROKER_KEY=key)


def written(ran: Ran) -> list[str]:
    return [event["kind"] for event in json.loads(ran.out)["events"]]


def kinds(context: Context, after: int) -> list[str]:
    return [
        kind for (kind,) in rows(context, "select kind from event where id > %s order by id", after)
    ]


def last_event(context: Context) -> int:
    ((number,),) = rows(context, "select max(id) from event")
    return number


def same_as_the_act(context: Context, command: Callable[..., Ran], *arguments: str) -> Ran:
    """Try an act in words and in JSON, then do it: it writes what was said and what stayed away."""
    before = digest(context)
    in_words = command(*arguments, "--dry-run")
    tried = command(*arguments, "--dry-run", "--json")
    assert (in_words.code, in_words.out, tried.code) == (0, "", 0), in_words.err + tried.err
    assert digest(context) == before
    after = last_event(context)
    assert command(*arguments).code == 0
    assert kinds(context, after) == written(tried)
    assert all(kind in in_words.err for kind in written(tried))
    return in_words


def test_a_recall_says_who_must_destroy_it(
    police: Ops, world: World, context: Context, delivery: dict[str, Any]
) -> None:
    assert len(world.collect(delivery["agency"])) == 1
    ran = same_as_the_act(context, police, "recall", delivery["reference"], *RECALL)
    assert f"These must destroy it: {delivery['agency_name']}." in ran.err
    again = police("recall", delivery["reference"], *RECALL, "--dry-run")
    assert "Nothing would be written: it was done before." in again.err


def test_a_recall_that_nobody_has_is_destroyed_by_nobody(
    police: Ops, context: Context, delivery: dict[str, Any]
) -> None:
    ran = same_as_the_act(context, police, "recall", delivery["reference"], *RECALL)
    assert "No agency has it yet." in ran.err


def test_a_recall_is_refused_as_the_act_is(
    police: Ops, context: Context, delivery: dict[str, Any]
) -> None:
    assert police("recall", delivery["reference"], *RECALL).code == 0
    other = ("recall", delivery["reference"], "--reason", "unlawful", "--by", "DS Imogen Farlow")
    before = digest(context)
    tried, done = police(*other, "--dry-run"), police(*other)
    assert (tried.code, tried.err) == (done.code, done.err)
    assert "for another reason" in tried.err
    unknown = ("recall", "SP/NONE/1", *RECALL)
    tried, done = police(*unknown, "--dry-run"), police(*unknown)
    assert (tried.code, tried.err) == (done.code, done.err)
    assert digest(context) == before


def test_another_force_cannot_try_a_recall(
    client: TestClient, key: Callable[..., dict[str, str]], delivery: dict[str, Any]
) -> None:
    answer = client.post(
        f"/v1/referrals/{delivery['referral']}/recall/preview",
        json={"reason": "wrong_person", "by": "DS Other"},
        headers=key("west-mercia-police", "publish"),
    )
    assert answer.status_code == 404


def test_a_suspension(ops: Ops, context: Context, delivery: dict[str, Any]) -> None:
    act = ("suspend-agency", delivery["agency"], "--reason", "Rebuilt.", "--by", "Jo Example")
    ran = same_as_the_act(context, ops, *act)
    assert "1 delivery is open there" in ran.err
    assert "is suspended already, since" in ops(*act, "--dry-run").err
    other = ("suspend-agency", delivery["agency"], "--reason", "Moved.", "--by", "Sam Example")
    tried, done = ops(*other, "--dry-run"), ops(*other)
    assert (tried.code, tried.err) == (done.code, done.err)
    blank = ("suspend-agency", delivery["agency"], "--reason", " ", "--by", "Jo Example")
    tried, done = ops(*blank, "--dry-run"), ops(*blank)
    assert (tried.code, tried.err) == (done.code, done.err)


def test_a_release_says_the_deadlines_that_it_would_have(
    ops: Ops, world: World, context: Context
) -> None:
    status = handed_in(world, wish("mum's school"))
    held = next(part for part in status["deliveries"] if part["state"] == "held")
    act = ("holds", "release", held["id"], "--reason", "The arrest was made.", "--by", "Jo Example")
    tried = json.loads(ops(*act, "--dry-run", "--json").out)
    ran = same_as_the_act(context, ops, *act)
    assert f"{held['agency_name']} will be offered it now." in ran.err
    assert "acknowledge by" in ran.err
    (after,) = tried["deliveries"]
    assert (after["id"], after["state"]) == (held["id"], "available")
    now_due = next(
        part["deadlines"] for part in world.status(status)["deliveries"] if part["id"] == held["id"]
    )
    assert after["deadlines"] == now_due
    again, done = ops(*act, "--dry-run"), ops(*act)
    assert (again.code, again.err) == (done.code, done.err)
    assert "is not held any more" in again.err


def test_a_dry_run_reads_nothing_on_a_second_connection_however_old_the_memory_is(
    context: Context, delivery: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What checks it is ``tests/one_connection.py``."""
    for cache in (policy_cache, epoch_cache):
        monkeypatch.setattr(cache, "REFRESH_SECONDS", 0.0)
    context.policies._fresh_until = context.epochs._fresh_until = 0.0
    assert try_recall(context, withdrawal(context, delivery)).events


def test_a_dry_run_counts_nothing_in_the_process(
    context: Context, delivery: dict[str, Any]
) -> None:
    """What an act counts in memory would be written after the act was rolled back."""
    agency = OrganisationCode(delivery["agency"])
    context.activity.flush()
    before = rows(context, "select * from traffic order by 1, 2, 3")
    with rehearsing(context.ledger) as ledger:
        context.on(ledger).activity.note(agency, ANSWERED)
    context.activity.flush()
    assert rows(context, "select * from traffic order by 1, 2, 3") == before


def test_a_dry_run_writes_no_side_log(
    context: Context, delivery: dict[str, Any], tmp_path: Path
) -> None:
    """What a restore applies again must not name a recall that nobody made."""
    file = tmp_path / "side.log"
    with_log = replace(context, side_log=SideLog(file))
    tried = withdrawal(context, delivery)
    try_recall(with_log, tried)
    assert not file.exists()
    recall(
        with_log,
        tried.publisher,
        tried.referral,
        RecallReason(tried.reason),
        by=tried.by,
        actor=tried.actor,
    )
    assert '"change": "recall"' in file.read_text()
