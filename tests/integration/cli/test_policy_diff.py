"""``broker policy diff``, with referrals of a real ledger judged again under another policy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from broker.admin.policy_backtest import Backtest, backtest
from broker.channels.registry import CHANNELS
from broker.devstack.sample_referrals import shipped
from broker.domain.codes import Milestone
from broker.ledger import policy_backtest
from broker.ledger.ledger import Ledger
from broker.policy.published.policy import Policy, documents_from, load
from broker.shipped import POLICY
from tests.conftest import FixedClock
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

Key = Callable[..., dict[str, str]]
SINCE = datetime(2026, 12, 1, tzinfo=UTC)
UNTIL = datetime(2027, 5, 1, tzinfo=UTC)
NOW = datetime(2027, 5, 1, tzinfo=UTC)
HIGH = "high: {acknowledge: 4 working hours"
LOW = "low: {acknowledge: 1 working day, decide: 1 working day}"


def changed(old: str, new: str, file: str = "policy.yaml") -> Policy:
    documents = documents_from(POLICY)
    assert old in documents[file], "the shipped policy has changed: change this test"
    return load(
        documents | {file: documents[file].replace(old, new, 1)},
        version="new",
        channels=CHANNELS.forms,
    )


@pytest.fixture
def past(
    client: TestClient, key: Key, clock: FixedClock, drain: Callable[[], None]
) -> Sequence[Mapping[str, Any]]:
    """Every shipped sample that may be handed in, accepted and routed on one afternoon."""
    clock.set("2027-04-07T14:00+00:00")
    police = key("staffordshire-police", "publish")
    for name, document in shipped():
        if not name.startswith(("case-13", "case-14")):
            answer = client.post("/v1/referrals", json=document, headers=police)
            assert answer.status_code == 202, name
    drain()
    statuses = [
        client.get(
            "/v1/referrals", params={"reference": sample["reference"]}, headers=police
        ).json()
        for name, sample in shipped()
        if not name.startswith(("case-13", "case-14"))
    ]
    assert sum(len(status["deliveries"]) for status in statuses) > 10
    return statuses


def judged(dsn: str, old: Policy, new: Policy) -> Backtest:
    with Ledger.open(dsn, application_name="tests") as ledger:
        return backtest(ledger.policy_backtest.past(SINCE, UNTIL), old=old, new=new, now=NOW)


def high_at_stoke(past: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return Stoke's deliveries that have four working hours, by their stored reasons."""
    return [
        leg["id"]
        for status in past
        for leg in status["deliveries"]
        if leg["agency"] == "stoke-csc"
        and leg["explanation"]["deadlines"][0]["within"] == "4 working hours"
    ]


def test_the_same_policy_changes_nothing(
    dsn: str, book: Policy, past: Sequence[Mapping[str, Any]]
) -> None:
    assert judged(dsn, book, book) == Backtest(judged=len(past))


def test_pages_leave_nothing_out_and_repeat_nothing(
    dsn: str, past: Sequence[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_backtest, "PAGE", 3)
    with Ledger.open(dsn, application_name="tests") as ledger:
        ids = [str(accepted.id) for accepted in ledger.policy_backtest.past(SINCE, UNTIL)]
        at = datetime(2027, 4, 7, 14, tzinfo=UTC)
        assert list(ledger.policy_backtest.past(at, at)) == []
        assert len(list(ledger.policy_backtest.past(at, at + timedelta(seconds=1)))) == len(past)
    assert sorted(ids) == sorted(status["id"] for status in past)


def test_shorter_and_longer_are_those_of_the_deliveries(
    dsn: str, book: Policy, past: Sequence[Mapping[str, Any]]
) -> None:
    shorter = changed(HIGH, "high: {acknowledge: 1 working hour")
    result = judged(dsn, book, shorter)
    expected = len(high_at_stoke(past))
    shift = result.shorter["stoke-csc", Milestone.ACKNOWLEDGE]
    assert shift.count == expected > 0
    assert shift.worst == timedelta(hours=19), "16:00 instead of 11:00 on the next day"
    assert result.longer == {}
    back = judged(dsn, shorter, book)
    assert back.longer == result.shorter
    assert back.shorter == {}


def test_what_would_have_been_missed_goes_by_the_real_times(
    dsn: str,
    book: Policy,
    past: Sequence[Mapping[str, Any]],
    client: TestClient,
    key: Key,
    clock: FixedClock,
) -> None:
    """One of Stoke's is acknowledged after two hours, the others never."""
    legs = high_at_stoke(past)
    clock.advance(hours=2)
    receipt = {"delivery": legs[0], "stage": "acknowledged", "by": "A. Person"}
    stoke = key("stoke-csc", "collect")
    answer = client.post("/v1/receipts", json={"receipts": [receipt]}, headers=stoke).json()
    assert answer["results"][0]["result"] == "recorded"
    shorter = changed(HIGH, "high: {acknowledge: 1 working hour")
    due = ("stoke-csc", Milestone.ACKNOWLEDGE)
    result = judged(dsn, book, shorter)
    assert result.missed == {due: 1}
    assert len(result.examples["missed"]) == 1
    assert judged(dsn, shorter, book).rescued == {due: 1}
    with Ledger.open(dsn, application_name="tests") as ledger:
        soon = clock.now
        early = backtest(ledger.policy_backtest.past(SINCE, UNTIL), old=book, new=shorter, now=soon)
    assert early.overdue[due] == len(legs) - 1 > 0


def test_recipients_and_what_becomes_unroutable(
    dsn: str, book: Policy, past: Sequence[Mapping[str, Any]]
) -> None:
    narrower = changed("when: child.at_school", "when: child.at_school && child.missing")
    schools = {
        leg["agency"]
        for status in past
        for leg in status["deliveries"]
        if leg["agency"].startswith("school-")
    }
    assert schools
    result = judged(dsn, book, narrower)
    assert schools >= set(result.lost) > set()
    assert judged(dsn, narrower, book).gained == result.lost
    ended = load(
        {
            **documents_from(POLICY),
            "policy.yaml": documents_from(POLICY)["policy.yaml"].replace(
                "to: {kind: social-care, of: child.area}\n    role: lead",
                "to: {kind: social-care, of: child.placing_authority}\n    role: lead",
            ),
        },
        version="new",
        channels=CHANNELS.forms,
    )
    becomes = judged(dsn, book, ended).becomes
    assert becomes["routed", "unroutable (no_area)"] > 0


def test_the_command_reads_only_and_says_it_in_words(
    run: Run, dsn: str, past: Sequence[Mapping[str, Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    shutil.copytree(POLICY, folder)
    policy = folder / "policy.yaml"
    policy.write_text(policy.read_text().replace(HIGH, "high: {acknowledge: 1 working hour"))
    with psycopg.connect(dsn, autocommit=True) as connection:
        # The command goes by the real clock, so the referrals are moved there.
        connection.execute("update referral set accepted_at = now() - interval '3 days'")
        connection.execute(
            "update referral set routed_at = accepted_at where routed_at is not null"
        )
    ran = run("policy", "diff", "in-force", str(folder), "--replay", "30d", BROKER_DATABASE_URL=dsn)
    assert ran.code == 0, ran.err
    assert "acknowledge within 1 working hour, shorter than 4 working hours (high)" in ran.out
    assert f"{len(past)} referrals were routed again; " in ran.out
    command = ("policy", "diff", "in-force", str(folder), "--replay", "30", "--json", "--exit-code")
    ran = run(*command, BROKER_DATABASE_URL=dsn)
    result = json.loads(ran.out)
    assert ran.code == 8
    assert result["publishable"]
    assert result["replay"]["judged"] == len(past)
    for _, document in shipped():
        assert document["reference"] not in ran.out
    ran = run("policy", "diff", "in-force", str(POLICY), "--exit-code", BROKER_DATABASE_URL=dsn)
    assert (ran.code, ran.out) == (0, "The two policies are the same.\n")


def test_a_statutory_deadline_cannot_be_relaxed_and_that_is_shown(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    shutil.copytree(POLICY, folder)
    policy = folder / "policy.yaml"
    policy.write_text(policy.read_text().replace(LOW, LOW.replace("1 working", "2 working", 1)))
    ran = run("policy", "diff", str(POLICY), str(folder))
    assert ran.code == 3
    assert "acknowledge within 2 working day, longer than 1 working day (low)" in ran.out.replace(
        "days", "day"
    )
    assert "cannot be published" in ran.out
    assert "[deadline-relaxed]" in ran.out
    result = json.loads(run("policy", "diff", str(POLICY), str(folder), "--json").out)
    assert not result["publishable"]
    assert {fault["code"] for fault in result["faults"]} == {"deadline-relaxed"}


def test_what_cannot_be_read_is_refused(run: Run, dsn: str, tmp_path: Path) -> None:
    assert run("policy", "diff", str(tmp_path), str(POLICY)).code == 3
    assert run("policy", "diff", "nothing", str(POLICY), BROKER_DATABASE_URL=dsn).code == 4
    assert run("policy", "diff", "nothing", str(POLICY)).code == 2
    for days in ("0d", "x", "400d", "٣٠d"):
        assert run("policy", "diff", str(POLICY), str(POLICY), "--replay", days).code == 2
