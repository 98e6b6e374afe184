"""What the forms of ops are filled in with, and what they let people choose."""

import re
from datetime import datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from broker.admin import operator_actions
from broker.domain.codes import Right
from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.integration.gateway.test_rights import FORM, ask, pages, signed_in

__all__ = ["pages"]

JO = "person:Jo Example"


def selected(form: str, name: str) -> list[str]:
    (options,) = re.findall(rf'<select[^>]* name="{name}".*?</select>', form, re.DOTALL)
    return re.findall(r'<option value="(\w+)" selected', options)


def test_the_cause_that_is_corrected_is_that_of_the_breach_beside_the_link(
    world: World, context: Context, pages: TestClient
) -> None:
    (one,) = world.routed(sample(2))["deliveries"]
    due = datetime.fromisoformat(one["deadlines"]["decide_by"])
    world.clock.now = due + timedelta(seconds=1)
    session = signed_in(context, Right.ACT)
    shown = ask(pages, "GET", f"/agencies/{one['agency']}", session).text
    links = re.findall(rf'href="/ops(/act/cause/{one["id"]}[^"]*)"', shown)
    chosen = [selected(ask(pages, "GET", link, session).text, "milestone") for link in links]
    assert ["acknowledge"] in chosen
    assert ["decide"] in chosen


def test_whoever_starts_a_job_chooses_its_pace(
    world: World, context: Context, pages: TestClient
) -> None:
    del world
    id_ = operator_actions.plan_replay(context, agency=None, cause=None, per_minute=60, by=JO)
    session = signed_in(context, Right.BULK)
    path = f"/replays/{id_}"
    assert 'name="per_minute" type="text" value="60"' in ask(pages, "GET", path, session).text

    def start(pace: str) -> Any:
        form = {"token": session["token"], "reason": "a try", "turn": "start", "per_minute": pace}
        headers = {"Cookie": session["cookie"], **FORM}
        return pages.post(f"/ops{path}", data=form, headers=headers)

    for pace in ("0", "6001", "fast", "-1", "1" * 5000):
        refused = start(pace)
        assert refused.status_code == 422
        assert "Use a whole number from 1 to 6000." in refused.text
    assert operator_actions.planned(context, id_).state == "planned"
    assert start("7").status_code == 303
    assert (
        operator_actions.planned(context, id_).state,
        operator_actions.planned(context, id_).per_minute,
    ) == ("running", 7)
