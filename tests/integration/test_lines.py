"""Each step says what it did in one line, and nothing when there was nothing to do."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from broker.domain.codes import RecallReason
from broker.domain.ids import OrganisationCode, ReferralId
from broker.flow import accept, correct, dispatch, route
from broker.flow.context import Context
from broker.flow.deadlines import watch
from broker.flow.notify import notify
from broker.flow.silence_monitor import SilenceMonitor
from broker.flow.sweep import Sweeper
from tests.acceptance.conftest import World, sample, world  # noqa: F401
from tests.conftest import FixedClock

Lines = Callable[[], list[dict[str, Any]]]
POLICE = OrganisationCode("staffordshire-police")


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str], log_from: Callable[[str], None]) -> Lines:
    """Return what was logged since the last look."""
    log_from("info")

    def since_the_last_look() -> list[dict[str, Any]]:
        logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        for line in logged:
            assert "dropped" not in line
            assert 0 <= line.pop("seconds") < 60
            assert datetime.fromisoformat(line.pop("at")).utcoffset() == UTC.utcoffset(None)
            assert (line.pop("level"), bool(line.pop("part"))) == ("info", True)
        return logged

    return since_the_last_look


def new_referral(context: Context, number: int) -> Any:
    """A referral to one agency, which has a queue of its own."""
    moved = json.dumps(sample(2)).replace("E10000028", "E06000021")
    body = json.dumps(json.loads(moved) | {"reference": f"OCC/2027/{number}"}).encode()
    return accept.screen(context, POLICE, body, idempotency_key=None, actor="test")


def test_a_step_of_one_referral_is_one_line_with_its_ids(context: Context, lines: Lines) -> None:
    (referral,) = [new_referral(context, 1)]
    id_ = str(referral.id)
    accept.accept(context, [referral])
    assert lines() == [
        {"event": "accept", "count": 1, "duplicates": 0, "referral": id_, "publisher": POLICE}
    ]
    route.drain(context)
    assert lines() == [{"event": "route", "count": 1, "deliveries": 1, "referral": id_}]
    status = context.ledger.queries.referral(POLICE, id=ReferralId(referral.id))
    assert status is not None
    (delivery,) = status.deliveries
    line = {"agency": delivery.agency, "delivery": str(delivery.id), "count": 1}
    dispatch.drain(context)
    assert lines() == [{"event": "dispatch", "channel": "queue", **line}]
    correct.recall(context, POLICE, referral.id, RecallReason.SENT_IN_ERROR, by="Jo", actor="test")
    assert lines() == [{"event": "recall", "referral": id_, "publisher": POLICE}]


def test_a_batch_is_one_line_with_its_counts(context: Context, lines: Lines) -> None:
    new = [new_referral(context, number) for number in (1, 2, 3)]
    accept.accept(context, new)
    accept.accept(context, [*new, new_referral(context, 4)])
    assert lines() == [
        {"event": "accept", "count": 3, "duplicates": 0},
        {"event": "accept", "count": 4, "duplicates": 3},
    ]
    route.drain(context)
    assert lines() == [{"event": "route", "count": 4, "deliveries": 4}]
    dispatch.drain(context)
    (line,) = lines()
    assert (line["event"], line["count"], "delivery" in line) == ("dispatch", 4, False)


def test_what_an_agency_asks_is_two_lines_the_step_and_the_request(
    world: World,  # noqa: F811
    context: Context,
    lines: Lines,
) -> None:
    world.hand_in(sample(12))
    route.drain(context)
    agency = "staffordshire-csc"
    key = world.headers(agency, "collect")["Authorization"].split("_")[1]
    lines()
    (taken,) = world.collect(agency)
    line = {"agency": agency, "delivery": taken["delivery"], "count": 1}
    step, request = lines()
    assert step == {"event": "collect", **line}
    assert request.pop("request_id")
    expected = {"event": "request", "method": "POST", "status": 200, "credential": key}
    assert request == {**expected, "path": "/v1/collect"}
    world.answer(agency, delivery=taken["delivery"], stage="acknowledged", by="Jo")
    step, request = lines()
    assert step == {"event": "answer", "recorded": 1, **line}
    assert request["path"] == "/v1/receipts"
    assert world.collect(agency) == []
    assert [line["event"] for line in lines()] == ["request"]


def test_what_workers_do_beside_their_tasks_is_one_line_each(
    world: World,  # noqa: F811
    context: Context,
    clock: FixedClock,
    lines: Lines,
) -> None:
    world.routed(sample(12))
    world.collect("staffordshire-csc")
    lines()
    clock.advance(days=9)
    Sweeper(context, "one").sweep()
    done = {"event": "sweep", "count": 1, "lapsed": 1, "released": 0, "replayed": 0}
    assert lines() == [done]
    fired = watch(context)
    (line,) = lines()
    assert line["event"] == "watch"
    parts = ("handed_over", "deliveries", "referrals", "tasks", "reopened", "steps", "embargoes")
    counts = (line[part] for part in parts)
    assert line["count"] == fired == sum(counts) > 0
    due = notify(context)
    (line,) = lines()
    assert (line["event"], line["count"], line["sent"]) == ("notify", due, 0)
    SilenceMonitor(context, "one").check()
    (line,) = lines()
    assert (line["event"], line["opened"] > 0, line["ended"]) == ("silence", True, 0)


def test_a_step_that_found_nothing_to_do_says_nothing(
    context: Context, clock: FixedClock, lines: Lines
) -> None:
    accept.accept(context, [])
    route.drain(context)
    dispatch.drain(context)
    notify(context)
    watch(context)
    sweeper = Sweeper(context, "one")
    sweeper.sweep()
    clock.advance(seconds=1)
    sweeper.sweep()
    assert lines() == []


@pytest.mark.parametrize(
    ("method", "target", "path", "status"),
    [
        ("GET", "/v1/referrals/secret?reference=secret", "/v1/referrals/{id}", 401),
        ("GET", "/ops/sign-in/secret", "/ops/sign-in/{link}", 410),
        ("GET", "/ops/static/secret", "/ops/static/{name}", 404),
        ("PUT", "/v1/collect", "/v1/collect", 405),
        ("SECRET", "/livez", "/livez", 405),
        ("GET", "/ops/secret", None, 404),
        ("GET", "/secret", None, 404),
        ("GET", "/livez", "/livez", 200),
    ],
)
def test_a_request_is_one_line_with_the_template_of_its_path(
    client: TestClient, lines: Lines, method: str, target: str, path: str | None, status: int
) -> None:
    lines()
    answer = client.request(method, target)
    (line,) = lines()
    assert line == {
        "event": "request",
        "method": None if method == "SECRET" else method,
        "path": path,
        "status": answer.status_code,
        "request_id": answer.headers["x-request-id"],
        "credential": None,
    }
    assert answer.status_code == status


def test_above_their_level_nothing_is_said(
    world: World,  # noqa: F811
    lines: Lines,
    log_from: Callable[[str], None],
) -> None:
    log_from("warning")
    world.routed(sample(2))
    assert lines() == []
