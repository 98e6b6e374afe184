"""``broker restore``: what a restore must not undo is done again, and nothing is offered before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from starlette.testclient import TestClient

from broker.admin.api_keys import Key, issue
from broker.admin.restore import begin
from broker.bootstrap import Pool, open_broker
from broker.domain.codes import ReceiptResult, Scope, Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.errors import Unavailable
from broker.flow import route
from broker.flow.answer import settle
from broker.flow.context import Context
from broker.flow.epoch_cache import EpochCache
from broker.ledger.ledger import Ledger
from broker.serving import build
from broker.settings import Settings
from broker.side_log import Change, SideLog, UnreadableSideLog, read
from tests.acceptance.conftest import sample
from tests.conftest import FixedClock
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

Keys = Callable[..., dict[str, str]]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The settings of the broker with a side log."""
    return replace(settings, side_log=tmp_path / "side.log")


def published(client: TestClient, police: dict[str, str], **changes: Any) -> str:
    document = {**sample(1), **changes}
    return str(client.post("/v1/referrals", json=document, headers=police).json()["id"])


def test_recalls_corrections_and_ended_keys_are_in_the_side_log_and_no_content(
    client: TestClient, key: Keys, settings: Settings, run: Run, clock: FixedClock
) -> None:
    police = key("staffordshire-police", "publish")
    id_ = published(client, police)
    changed = {**sample(1), "summary": "Words that are nobody else's business."}
    reference = changed["reference"]
    client.post(f"/v1/referrals/{id_}/corrections", json=changed, headers=police)
    recalled = {"reason": "wrong_person", "by": "DS Farlow"}
    client.post(f"/v1/referrals/{id_}/recall", json=recalled, headers=police)
    environment = {
        "BROKER_DATABASE_URL": settings.database_url,
        "BROKER_SIDE_LOG": str(settings.side_log),
    }
    ended = json.loads(
        run("keys", "issue", "stoke-csc", "--scope", "collect", "--json", **environment).out
    )["id"]
    assert run("keys", "revoke", ended, **environment).code == 0
    assert settings.side_log is not None
    entries = read([settings.side_log])
    assert {entry.change: dict(entry.ids).get("reference") for entry in entries} == {
        Change.CORRECTION: reference,
        Change.RECALL: reference,
        Change.KEY_ENDED: None,
    }
    text = settings.side_log.read_text()
    assert "business" not in text
    assert "Farlow" not in text


def test_what_was_done_after_the_point_is_done_again(
    client: TestClient,
    context: Context,
    key: Keys,
    clock: FixedClock,
    drain: Callable[[], None],
    tmp_path: Path,
) -> None:
    police = key("staffordshire-police", "publish")
    id_ = published(client, police)
    drain()
    stolen = Key.parse(
        issue(
            context.ledger,
            OrganisationCode("stoke-csc"),
            [Scope("collect")],
            label="stolen",
            now=clock(),
        )
    )
    file, clock.now = tmp_path / "saved.log", clock() + timedelta(minutes=5)
    side, publisher = SideLog(file), "staffordshire-police"
    reference = sample(1)["reference"]
    about = {"publisher": publisher, "reason": "wrong_person"}
    side.note(Change.RECALL, at=clock(), referral=id_, reference=reference, **about)
    other = "0193d3a5-0000-7000-8000-000000000000"
    side.note(Change.RECALL, at=clock(), referral=other, reference="SP/LOST/1", **about)
    about = {"referral": id_, "reference": reference, "publisher": publisher}
    side.note(Change.CORRECTION, at=clock(), version=2, **about)
    side.note(Change.KEY_ENDED, at=clock(), key=stolen.id, ends_at=clock().isoformat())
    epoch, applied = begin(context, read([file]), by="A. Operator")
    assert epoch.in_quarantine
    assert (applied.recalled, applied.unknown) == ([reference], ["SP/LOST/1"])
    assert (applied.uncorrected, applied.ended) == ([reference], [stolen.id])
    status = client.get(f"/v1/referrals/{id_}", headers=police).json()
    assert status["recall_reason"] == "wrong_person"
    credential = context.ledger.credentials.credential(stolen.id)
    assert credential is not None
    assert credential.revoked_at == clock()
    again, nothing = begin(context, read([file]), by="A. Operator")
    assert again == epoch
    assert (nothing.recalled, nothing.ended) == ([], [])


def test_an_agency_and_ops_are_told_why_nothing_is_offered(
    client: TestClient,
    context: Context,
    key: Keys,
    clock: FixedClock,
    settings: Settings,
    run: Run,
) -> None:
    published(client, key("staffordshire-police", "publish"))
    route.drain(context)
    clock.advance(minutes=5)
    epoch = context.ledger.epochs.begin(by="ops", now=clock())
    (agency,) = list(context.ledger.epochs.kept_back())[:1]
    collecting = key(agency, "collect")
    answer = client.post("/v1/collect", json={"max": 5}, headers=collecting).json()
    assert answer["deliveries"] == []
    assert answer["quarantine"]["epoch"] == epoch.id
    ops = key("ops", "ops")
    (listed,) = client.get("/v1/attention", headers=ops).json()["quarantine"]
    assert listed == answer["quarantine"]
    metrics = client.get("/metrics", headers=ops).text
    assert "broker_quarantine 1.0" in metrics
    database = {"BROKER_DATABASE_URL": settings.database_url}
    assert f"{agency}: " in run("restore", "status", **database).out
    assert run("restore", "confirm", "--by", "A. Operator", **database).code == 0
    for more in ((), ("--dry-run",)):
        assert run("restore", "confirm", "--by", "A. Operator", *more, **database).code == 6
    answer = client.post("/v1/collect", json={"max": 5}, headers=collecting).json()
    assert len(answer["deliveries"]) == 1


def test_what_an_agency_had_before_the_restore_is_told_apart(
    client: TestClient, context: Context, key: Keys, clock: FixedClock
) -> None:
    published(client, key("staffordshire-police", "publish"))
    lost, police = context.new_id(), key("staffordshire-police", "publish")
    real_time = clock.now
    context.ledger.epochs.begin(
        by="ops",
        restored_to=real_time - timedelta(days=3650),
        now=real_time + timedelta(days=3650),
    )
    receipt = {"delivery": str(lost), "stage": "acknowledged", "by": "A. Person"}
    unknown = {**receipt, "delivery": "7b9b1f0e-4b5e-4e0b-8a55-0d1f6c6f0a11"}
    answer = client.post(
        "/v1/receipts", json={"receipts": [receipt, unknown]}, headers=key("stoke-csc", "collect")
    ).json()
    results = [result["result"] for result in answer["results"]]
    assert results == ["lost_in_restore", "not_found"]
    recall = {"reason": "wrong_person", "by": "DS Farlow"}
    answers = [
        client.post(f"/v1/referrals/{lost}/recall", json=recall, headers=police).json(),
        client.get(f"/v1/referrals/{lost}", headers=police).json(),
    ]
    assert all(answer["code"] == "not-found" for answer in answers)
    assert all("restored" in answer["detail"] for answer in answers)


def test_a_receipt_for_what_was_lost_takes_one_connection(
    settings: Settings, clock: FixedClock, context: Context
) -> None:
    """One that asked for another within its transaction could wait for itself."""
    receipt = Receipt(DeliveryId(context.new_id()), Stage.ACKNOWLEDGED, "A. Person")
    pool = Pool(connections=1)
    with open_broker(settings, process="gateway", clock=clock, pool=pool) as single:
        (result,) = settle(single, OrganisationCode("stoke-csc"), [receipt], actor="key:x")
    assert result.result is ReceiptResult.NOT_FOUND


def test_nothing_is_leased_while_nobody_can_tell_whether_it_is_kept_back(
    client: TestClient, context: Context, key: Keys
) -> None:
    published(client, key("staffordshire-police", "publish"))
    route.drain(context)
    broken = replace(context, epochs=EpochCache(cast("Ledger", _Unavailable())))
    with TestClient(build(broken), raise_server_exceptions=False) as gateway:
        answer = gateway.post("/v1/collect", json={}, headers=key("stoke-csc", "collect"))
    assert answer.status_code == 503
    with psycopg.connect(context.settings.database_url) as session:
        rows = session.execute("select distinct state, attempt from delivery").fetchall()
    assert rows == [("available", 0)]


class _Unavailable:
    """A ledger whose epochs cannot be read."""

    @property
    def epochs(self) -> None:
        raise Unavailable("The ledger cannot be reached; repeat later.")


def test_a_side_log_that_cannot_be_written_changes_no_answer(tmp_path: Path) -> None:
    assert not SideLog(tmp_path / "no folder" / "side.log").note(
        Change.KEY_ENDED, at=_clock()(), key="k"
    )


def test_a_line_that_is_none_of_ours_is_named_and_one_cut_off_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "side.log"
    SideLog(file).note(Change.KEY_ENDED, at=_clock()(), key="k")
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:20])
    assert [entry.ids["key"] for entry in read([file])] == ["k"]
    file.write_bytes(whole + b'{"change": "key-ended"}\n')
    with pytest.raises(UnreadableSideLog, match="line 2"):
        read([file])


def _clock() -> FixedClock:
    return FixedClock(datetime(2026, 12, 1, tzinfo=UTC))
