"""An act on a version that was corrected since a person saw it is refused, by every door."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from referral_broker_client import Publisher
from referral_broker_client.errors import Conflict
from referral_broker_client.ops import Ops
from starlette.testclient import TestClient

from broker.domain.codes import Right
from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases_acts import returned
from tests.acceptance.test_versions import changed, send
from tests.integration.gateway.conftest import listening
from tests.integration.gateway.test_rights import FORM, pages, signed_in
from tests.unit.cli.conftest import Run, run

__all__ = ["pages", "run"]

WHY = "The officer said so"
UNTIL = datetime(2026, 12, 30, 12, tzinfo=UTC)
CHILD = sample(10)["children"][0]["id"]
ACTS = ("release", "keep", "extend", "areas", "reroute")
DOORS = ("call", "client", "command", "page")
Subject = tuple[str, str, dict[str, Any]]
"""What is acted on: a delivery or a referral, its referral, and the document."""


def held(world: World) -> Subject:
    world.at("2026-12-14 10:00")
    status = world.routed(sample(7))
    (delivery,) = [item for item in status["deliveries"] if item["state"] == "held"]
    return delivery["id"], status["id"], sample(7)


def unroutable(world: World) -> Subject:
    world.at("2026-12-14 10:00")
    id_ = world.routed(sample(10))["id"]
    return id_, id_, sample(10)


def given_back(world: World) -> Subject:
    world.at("2026-12-14 10:00")
    delivery = returned(world, sample(2), "staffordshire-csc")
    return delivery["delivery"], delivery["referral"], sample(2)


SUBJECTS: Mapping[str, Callable[[World], Subject]] = {
    **dict.fromkeys(("release", "keep", "extend"), held),
    "areas": unroutable,
    "reroute": given_back,
}
BODIES: Mapping[str, dict[str, Any]] = {
    "release": {"reason": WHY},
    "keep": {"reason": WHY},
    "extend": {"reason": WHY, "until": UNTIL.isoformat()},
    "areas": {"areas": {CHILD: "E06000021"}},
    "reroute": {"agency": "shropshire-csc"},
}
FORMS: Mapping[str, dict[str, str]] = {
    "extend": {"until": "2026-12-30 12:00"},
    "areas": {f"area-{CHILD}": "Stoke-on-Trent"},
    "reroute": {"agency": "shropshire-csc"},
}
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "release": ("holds", "release", "{id}", "--reason", WHY),
    "keep": ("holds", "keep", "{id}", "--reason", WHY),
    "extend": ("holds", "extend", "{id}", "--until", "2026-12-30T12:00", "--reason", WHY),
    "areas": ("give-area", "{id}", f"{CHILD}=E06000021"),
    "reroute": ("redirect", "{id}", "--agency", "shropshire-csc", "--yes"),
}


def counts(context: Context) -> list[tuple[Any, ...]]:
    """Return how many acts are written, and every delivery's state."""
    deliveries = "select id::text, state, available_at from delivery order by id"
    with psycopg.connect(context.settings.database_url) as connection:
        acts = connection.execute("select count(*) from act").fetchall()
        return [*acts, *connection.execute(deliveries).fetchall()]


class Doors:
    def __init__(self, context: Context, world: World, pages: TestClient, run: Run) -> None:
        self._context, self._world, self._pages, self._run = context, world, pages, run
        self._key = world.headers("ops", "ops")["Authorization"].removeprefix("Bearer ")
        self._person = signed_in(context, Right.ACT)

    def call(self, act: str, id_: str, version: int) -> bool:
        path = f"/v1/deliveries/{id_}/{act if act == 'reroute' else f'hold/{act}'}"
        path = f"/v1/referrals/{id_}/areas" if act == "areas" else path
        body = {**BODIES[act], "expected_version": version}
        answer = self._world.client.post(path, json=body, headers=self._world.headers("ops", "ops"))
        if answer.status_code == 409:
            assert answer.json()["errors"][0]["code"] in ("corrected-since", "not-returned")
        return answer.status_code < 300

    def client(self, act: str, id_: str, version: int) -> bool:
        names = {"areas": "give_areas", "reroute": "redirect"}
        body = {**BODIES[act], "expected_version": version}
        if act == "extend":
            body["until"] = UNTIL
        with listening(self._context) as url, Ops(url, self._key) as ops:
            try:
                getattr(ops, names.get(act, f"{act}_hold"))(id_, **body)
            except Conflict:
                return False
        return True

    def command(self, act: str, id_: str, version: int) -> bool:
        arguments = [part.format(id=id_) for part in COMMANDS[act]]
        with listening(self._context) as url:
            done = self._run(
                *arguments,
                "--expect-version",
                str(version),
                BROKER_URL=url,
                BROKER_KEY=self._key,
            )
        return done.code == 0

    def page(self, act: str, id_: str, version: int) -> bool:
        """Act through the form as it was opened from a page that showed a version."""
        path, cookie = f"/ops/act/{act}/{id_}", {"Cookie": self._person["cookie"]}
        asked = self._pages.get(f"{path}?version={version}", headers=cookie)
        (seen,) = re.findall(r'name="version" value="([^"]*)"', asked.text)
        form = {"token": self._person["token"], "reason": WHY, **FORMS.get(act, {})}
        form["version"] = seen
        answer = self._pages.post(path, data=form, headers={**cookie, **FORM})
        if confirms := re.findall(r'name="confirmed" value="([^"]*)"', answer.text):
            (form["version"],) = set(re.findall(r'name="version" value="([^"]*)"', answer.text))
            form["confirmed"] = confirms[0]
            answer = self._pages.post(path, data=form, headers={**cookie, **FORM})
        if answer.status_code == 409:
            assert "corrected since you opened the page" in answer.text
        return answer.status_code == 303


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("is_routed", [False, True], ids=["not yet routed", "routed"])
def test_36_an_act_on_a_version_that_was_corrected_since_changes_nothing(
    context: Context,
    world: World,
    pages: TestClient,
    run: Run,
    *,
    act: str,
    door: str,
    is_routed: bool,
) -> None:
    """The version that the person saw first is refused; the one that there is now is not."""
    id_, referral, document = SUBJECTS[act](world)
    doors = Doors(context, world, pages, run)
    assert send(world, {"id": referral}, changed(document)).status_code == 202
    if is_routed:
        world.drain()
    before = counts(context)
    assert not getattr(doors, door)(act, id_, 1)
    assert counts(context) == before
    if (act, is_routed) in (("areas", False), ("reroute", True)):
        return  # what is not routed yet waits for no area, and a new version took the place
    newest = world.client.get(f"/v1/referrals/{referral}", headers=world.police).json()
    same = [item["id"] for item in newest["deliveries"] if item["state"] == "held"]
    assert getattr(doors, door)(act, same[0] if act in ("release", "keep", "extend") else id_, 2)
    assert counts(context) != before


def test_36_a_preview_of_a_redirect_is_refused_as_the_redirect(
    context: Context, world: World
) -> None:
    id_, referral, document = given_back(world)
    assert send(world, {"id": referral}, changed(document)).status_code == 202
    key = world.headers("ops", "ops")["Authorization"].removeprefix("Bearer ")
    with listening(context) as url, Ops(url, key) as ops:
        with pytest.raises(Conflict, match="corrected since"):
            ops.preview_redirect(id_, agency="shropshire-csc", expected_version=1)
        shown = ops.preview_redirect(id_, agency="shropshire-csc", expected_version=2)
    assert shown["agency"] == "shropshire-csc"


def test_36_the_page_of_a_referral_says_which_version_its_acts_are_about(
    context: Context, world: World, pages: TestClient
) -> None:
    id_, referral, document = held(world)
    assert send(world, {"id": referral}, changed(document)).status_code == 202
    world.drain()
    cookie = {"Cookie": signed_in(context, Right.ACT)["cookie"]}
    shown = pages.get(f"/ops/referrals/{referral}", headers=cookie).text
    for act in ("release", "keep", "extend"):
        assert re.search(rf"/ops/act/{act}/[0-9a-f-]+\?version=2\"", shown)
    # Who comes from a list is asked about what there is now.
    asked = pages.get(f"/ops/act/release/{id_}", headers=cookie).text
    assert 'name="version" value="2"' in asked


def test_36_a_recall_of_a_version_that_was_corrected_since_changes_nothing(
    context: Context, world: World
) -> None:
    _, referral, document = held(world)
    assert send(world, {"id": referral}, changed(document)).status_code == 202
    key = world.police["Authorization"].removeprefix("Bearer ")
    given = {"reason": "inaccurate", "by": "DS Imogen Farlow"}
    with listening(context) as url, Publisher(url, key) as publisher:
        with pytest.raises(Conflict, match="corrected since"):
            publisher.recall(referral, expected_version=1, **given)
        assert world.status({"id": referral})["recalled_at"] is None
        publisher.recall(referral, expected_version=2, **given)
        # Repeating it gives the same answer, whatever was seen.
        assert publisher.recall(referral, expected_version=1, **given).duplicate
    assert world.status({"id": referral})["recalled_at"] is not None
