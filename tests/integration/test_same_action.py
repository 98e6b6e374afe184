"""The same action through any door writes the same event and the same row."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from referral_broker_client.ops import Ops
from starlette.testclient import TestClient

from broker.admin import sign_in
from broker.devstack.rebase_times import rebase
from broker.domain.codes import Right
from broker.domain.ids import EscalationId
from broker.flow.context import Context
from tests.acceptance.conftest import LONDON, World, sample, world
from tests.conftest import FixedClock
from tests.integration.gateway.conftest import listening
from tests.integration.gateway.test_rights import FORM, pages, signed_in
from tests.unit.cli.conftest import Run, run

__all__ = ["pages", "run", "world"]

REASON = "they rang us"
ESCALATION = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, next_step_at, step)
select %(id)s, 'usual', referral.policy_version, 'acknowledge', referral.id, delivery.id,
       delivery.agency, %(due)s, %(due)s, %(due)s, 2
from delivery join referral on referral.id = delivery.referral
where delivery.id = %(delivery)s
"""
WRITTEN = """
select event.kind, event.publisher, event.referral, event.delivery, event.agency, event.data,
       act.kind, act.referral, act.delivery, act.organisation, act.by = event.actor,
       act.at = event.at, act.reason <> ''
from event
left join act on act.at = event.at and act.kind = event.kind
    and act.delivery is not distinct from event.delivery
where event.kind = %s
order by event.id
"""
Door = Callable[[str], int]
"""Acts on a subject through one door; returns 0 when it succeeded."""


@pytest.fixture
def clock() -> FixedClock:
    """The present, which the command line acts at."""
    return FixedClock(datetime.now(UTC))


class Doors:
    """Everything through which ops and agencies act."""

    def __init__(self, context: Context, client: TestClient, pages: TestClient, key: Any) -> None:
        self._context = context
        self._client = client
        self._pages = pages
        self._key = key
        self._person = signed_in(context, Right.ACT)

    def call(self, path: str, body: Any, organisation: str, scope: str) -> int:
        """Act through the API."""
        headers = self._key(organisation, scope)
        return int(self._client.post(path, json=body, headers=headers).status_code >= 300)

    def page(self, path: str, **fields: str) -> int:
        """Act through the form of a page, and confirm what it shows where it asks for that."""
        form = {"token": self._person["token"], "reason": REASON, **fields}
        headers = {"Cookie": self._person["cookie"], **FORM}
        answer = self._pages.post(f"/ops/{path}", data=form, headers=headers)
        if confirms := re.findall(r'name="confirmed" value="([^"]*)"', answer.text):
            form["confirmed"] = confirms[0]
            answer = self._pages.post(f"/ops/{path}", data=form, headers=headers)
        return int(answer.status_code != 303)


@pytest.fixture
def doors(
    context: Context,
    client: TestClient,
    pages: TestClient,
    key: Any,
) -> Doors:
    return Doors(context, client, pages, key)


def written(context: Context, kind: str) -> list[tuple[Any, ...]]:
    """Return each event of a kind with its act; no id of what was acted on, and no instant."""
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(WRITTEN.encode(), [kind]).fetchall()


def test_an_escalation_is_acknowledged_alike(
    context: Context,
    clock: FixedClock,
    doors: Doors,
    world: World,
    run: Run,
) -> None:
    (delivery,) = world.routed(rebase(sample(2), now=world.clock.now))["deliveries"]
    path = "/v1/escalations/{}/acknowledge"
    by = {"by": "Duty manager"}

    def command(id_: str) -> int:
        with listening(context) as url:
            key = world.headers("ops", "ops")["Authorization"].removeprefix("Bearer ")
            arguments = ("escalations", id_, "--acknowledge", "--by", "Duty manager")
            return run(*arguments, BROKER_URL=url, BROKER_KEY=key).code

    through: list[Door] = [
        lambda id_: doors.call(path.format(id_), by, "ops", "ops"),
        lambda id_: doors.page(f"escalations/{id_}", turn="take"),
        command,
    ]
    ids, began = [context.new_id() for _ in through], clock.now
    for hours, (id_, act) in enumerate(zip(ids, through, strict=True)):
        _escalate(context, id_, delivery["id"], hours)
        assert act(str(id_)) == 0
        clock.advance(seconds=1)
    rows = written(context, "delivery.escalation_acknowledged")
    assert [row[5].pop("escalation") for row in rows] == [str(id_) for id_ in ids]
    untils = [datetime.fromisoformat(row[5].pop("until")) for row in rows]
    assert untils == [began + timedelta(minutes=30, seconds=number) for number in range(len(ids))]
    assert len(rows) == len(through)
    assert all(row == rows[0] for row in rows)
    assert rows[0][5:] == (
        {"milestone": "acknowledge", "step": 2, "whose": "ops"},
        "delivery.escalation_acknowledged",
        *rows[0][2:5],
        *(True, True, True),
    )


def test_an_escalation_is_handed_over_and_released_alike(
    context: Context, clock: FixedClock, doors: Doors, world: World, run: Run
) -> None:
    """By page, API and command: the same events, and the same rows."""
    _add_kim(context)
    key = world.headers("ops", "ops")["Authorization"].removeprefix("Bearer ")
    by, path = "Jo Example", "/v1/escalations/{}"

    def command(*arguments: str) -> int:
        with listening(context) as url:
            ran = run("escalations", *arguments, BROKER_URL=url, BROKER_KEY=key)
        assert ran.code == 0, ran.err
        return ran.code

    over, undo = {"by": by, "to": "Kim Example"}, {"by": by}
    through: list[tuple[Door, Door]] = [
        (
            lambda id_: doors.page(f"escalations/{id_}", turn="offer", to="Kim Example"),
            lambda id_: doors.page(f"escalations/{id_}", turn="release"),
        ),
        (
            lambda id_: doors.call(f"{path}/hand-over".format(id_), over, "ops", "ops"),
            lambda id_: doors.call(f"{path}/release".format(id_), undo, "ops", "ops"),
        ),
        (
            lambda id_: command(id_, "--hand-over-to", "Kim Example", "--by", by),
            lambda id_: command(id_, "--release", "--by", by),
        ),
    ]
    for hours, (hand_over, release) in enumerate(through):
        document = rebase(sample(2), now=world.clock.now) | {"reference": f"OVER/{hours}"}
        (delivery,) = world.routed(document)["deliveries"]
        id_ = context.new_id()
        _escalate(context, id_, delivery["id"], hours)
        assert doors.page(f"escalations/{id_}", turn="take") == 0
        assert hand_over(str(id_)) == 0, hours
        running = context.ledger.alarms.escalation(EscalationId(id_))
        assert running is not None
        assert running.offered_to == "person:Kim Example"
        assert running.acknowledged_by == f"person:{by}"
        assert release(str(id_)) == 0
        running = context.ledger.alarms.escalation(EscalationId(id_))
        assert running is not None
        assert (running.state, running.acknowledged_by) == ("open", None)
        assert (running.offered_to, running.step) == (None, 2)
        assert running.next_step_at == running.due_at  # the step that was postponed is due
        clock.advance(seconds=1)
    for kind, data in (
        ("delivery.escalation_offered", {"milestone": "acknowledge", "step": 2}),
        (
            "delivery.escalation_reopened",
            {"milestone": "acknowledge", "step": 2, "because": "released"},
        ),
    ):
        rows = written(context, kind)
        for row in rows:
            row[5].pop("escalation")
        _alike(rows, len(through))
        assert rows[0][5] == data


def _add_kim(context: Context) -> None:
    """Add a second person of ops who may act."""
    now = context.clock()
    sign_in.add(context.ledger, "Kim Example", [Right.ACT], now=now, new_id=context.new_id)


def test_a_key_repeats_and_refuses_as_the_pages_do(
    context: Context, clock: FixedClock, doors: Doors, world: World
) -> None:
    (delivery,) = world.routed(rebase(sample(2), now=world.clock.now))["deliveries"]
    _add_kim(context)
    id_ = context.new_id()
    _escalate(context, id_, delivery["id"], 0)
    path, headers = f"/v1/escalations/{id_}", world.headers("ops", "ops")

    def post(act: str, **body: str) -> Any:
        return world.client.post(f"{path}/{act}", json=body, headers=headers)

    assert post("hand-over", by="Jo", to="Kim Example").status_code == 409
    assert post("acknowledge", by="Jo").json()["acknowledged_by"] == "Jo"
    nobody = post("hand-over", by="Jo", to="Nobody Example")
    assert (nobody.status_code, nobody.json()["errors"][0]["pointer"]) == (422, "/to")
    assert post("hand-over", by="Sam", to="Kim Example").status_code == 409
    for _ in range(2):
        asked = post("hand-over", by="Jo", to="Kim Example", note="They call back at 17:30.")
        assert (asked.status_code, asked.json()["offered_to"]) == (200, "person:Kim Example")
    taken = post("acknowledge", by="Kim Example").json()
    assert (taken["acknowledged_by"], taken["offered_to"]) == ("person:Kim Example", None)
    for _ in range(2):
        released = post("release", by="Kim Example")
        assert (released.status_code, released.json()["state"]) == (200, "open")
    assert len(written(context, "delivery.escalation_offered")) == 1
    assert len(written(context, "delivery.escalation_reopened")) == 1
    other = f"/v1/escalations/{context.new_id()}/release"
    assert world.client.post(other, json={"by": "Jo"}, headers=headers).status_code == 404
    agency = world.headers(delivery["agency"], "collect")
    assert world.client.post(f"{path}/release", json={"by": "x"}, headers=agency).status_code == 403


def _escalate(context: Context, id_: UUID, delivery: str, hours: int) -> None:
    due = context.clock() - timedelta(hours=hours + 1)
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute(ESCALATION.encode(), {"id": id_, "delivery": delivery, "due": due})


def test_an_unroutable_referral_is_tried_again_alike(
    context: Context,
    clock: FixedClock,
    doors: Doors,
    world: World,
) -> None:
    through: list[Door] = [
        lambda id_: doors.call(f"/v1/referrals/{id_}/reroute", None, "ops", "ops"),
        lambda id_: doors.page(f"act/route/{id_}"),
    ]
    for number, act in enumerate(through):
        assert act(_unroutable(world, number)) == 0
        clock.advance(seconds=1)
    _alike(written(context, "referral.rerouted"), len(through))


def test_an_area_is_given_alike(
    context: Context,
    clock: FixedClock,
    doors: Doors,
    world: World,
) -> None:
    (child,) = [child["id"] for child in sample(10)["children"]]
    areas = {"areas": {child: "E06000021"}}
    through: list[Door] = [
        lambda id_: doors.call(f"/v1/referrals/{id_}/areas", areas, "ops", "ops"),
        lambda id_: doors.page(f"act/areas/{id_}", **{f"area-{child}": "Stoke-on-Trent"}),
    ]
    for number, act in enumerate(through):
        assert act(_unroutable(world, number)) == 0
        clock.advance(seconds=1)
    _alike(written(context, "referral.areas_given"), len(through))


def _unroutable(world: World, number: int) -> str:
    document = rebase(sample(10), now=world.clock.now) | {"reference": f"OCC/2027/{number}"}
    status = world.routed(document)
    assert status["state"] == "unroutable"
    return str(status["id"])


def _alike(rows: list[tuple[Any, ...]], count: int) -> None:
    """Check that each event has its act, and that they differ in what was acted on alone."""
    assert len(rows) == count
    for row in rows:
        assert row[6:9] == (row[0], row[2], row[3])
        assert row[10:] == (True, True, True)
        assert (row[0], row[1], *row[4:6]) == (rows[0][0], rows[0][1], *rows[0][4:6])


def test_delivery_to_an_agency_is_suspended_and_resumed_alike(
    context: Context,
    clock: FixedClock,
    doors: Doors,
    world: World,
    run: Run,
) -> None:
    (delivery,) = world.routed(rebase(sample(2), now=world.clock.now))["deliveries"]
    secret = world.headers("ops", "ops")["Authorization"].removeprefix("Bearer ")

    def command(turn: str) -> int:
        arguments = ("queue", turn, delivery["agency"], "--reason", REASON, "--by", "Jo Example")
        with listening(context) as url:
            return run(*arguments, BROKER_URL=url, BROKER_KEY=secret).code

    for door in (command, lambda turn: doors.page(f"act/{turn}/{delivery['agency']}")):
        for turn in ("pause", "resume"):
            assert door(turn) == 0
            clock.advance(seconds=1)
    for kind in ("organisation.delivery_paused", "organisation.delivery_resumed"):
        _alike(written(context, kind), 2)


HOLD_ACTS = {
    "release": ("delivery.released", "release_hold"),
    "keep": ("delivery.hold_kept", "keep_hold"),
    "extend": ("delivery.hold_extended", "extend_hold"),
}


@pytest.mark.parametrize("turn", HOLD_ACTS)
def test_a_hold_is_decided_alike(
    context: Context, clock: FixedClock, doors: Doors, world: World, run: Run, turn: str
) -> None:
    kind, method = HOLD_ACTS[turn]
    until = (clock.now + timedelta(days=40)).astimezone(LONDON).replace(second=0, microsecond=0)
    is_extended = turn == "extend"
    body = {"reason": REASON} | ({"until": until.isoformat()} if is_extended else {})
    typed = {"until": f"{until:%Y-%m-%d %H:%M}"} if is_extended else {}
    key = world.headers("ops", "ops")["Authorization"].removeprefix("Bearer ")

    def command(id_: str) -> int:
        options = ("--until", typed["until"]) if is_extended else ()
        with listening(context) as url:
            arguments = ("holds", turn, id_, "--reason", REASON, *options)
            return run(*arguments, BROKER_URL=url, BROKER_KEY=key).code

    def client(id_: str) -> int:
        with listening(context) as url, Ops(url, key) as ops:
            given = {**body, "until": until} if is_extended else body
            return int(getattr(ops, method)(id_, **given)["delivery"] != id_)

    through: list[Door] = [
        lambda id_: doors.call(f"/v1/deliveries/{id_}/hold/{turn}", body, "ops", "ops"),
        lambda id_: doors.page(f"act/{turn}/{id_}", **typed),
        command,
        client,
    ]
    for number, act in enumerate(through):
        assert act(_held(world, number)) == 0
        clock.advance(seconds=1)
    _alike(written(context, kind), len(through))


def _held(world: World, number: int) -> str:
    document = rebase(sample(7), now=world.clock.now) | {"reference": f"HELD/2027/{number}"}
    (held,) = [item for item in world.routed(document)["deliveries"] if item["state"] == "held"]
    return str(held["id"])
