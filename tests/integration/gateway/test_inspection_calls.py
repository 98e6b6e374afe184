"""The reports for inspectors through every door, of real referrals."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.conftest import World, about_nobody, sample
from tests.acceptance.test_cases_handover import OFFICE, at, held_by_the_team, urgent
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

REPORTS = ("promptness", "voice", "missing", "quality", "decisions")
DECEMBER = {"from": "2026-12-01", "to": "2026-12-31"}


def figures(world: World, name: str, by: str = "all", **query: str) -> dict[tuple[str, str], int]:
    """Return the counts of one group, by what is counted and which."""
    headers = world.headers("ops", "ops")
    answer = world.client.get(f"/v1/reports/{name}", params=DECEMBER | query, headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        (line["what"], line["name"]): line["count"]
        for line in answer.json()["figures"]
        if line["by"] == by and not line["month"]
    }


def recall(world: World, receipt: dict[str, Any]) -> None:
    path, body = f"/v1/referrals/{receipt['id']}/recall", {"reason": "wrong_person", "by": "DS F"}
    assert world.client.post(path, json=body, headers=world.police).is_success
    world.drain()


@pytest.mark.parametrize("name", REPORTS)
def test_json_csv_and_command_say_the_same(
    world: World, run: Run, address: str, key: Callable[..., dict[str, str]], name: str
) -> None:
    held_by_the_team(world, "decided", outcome="action_taken")
    missing = sample(6)
    missing["referrer"]["unit"] = "=cmd|' /C calc'!A0"
    world.routed(missing)
    headers = key("ops", "ops")
    path = f"/v1/reports/{name}"
    for query in ({}, {"force": "staffordshire-police"}, {"force": "west-mercia-police"}):
        report = world.client.get(path, params=DECEMBER | query, headers=headers).json()
        table = world.client.get(f"{path}.csv", params=DECEMBER | query, headers=headers).text
        lines = [{**line, "count": str(line["count"])} for line in report["figures"]]
        assert list(csv.DictReader(io.StringIO(table))) == lines
        assert bool(lines) is (query.get("force") != "west-mercia-police")
        secret = headers["Authorization"].removeprefix("Bearer ")
        settings = {"BROKER_URL": address, "BROKER_KEY": secret}
        command = ["report", name, "--from", DECEMBER["from"], "--to", DECEMBER["to"]]
        command += [part for option in query.items() for part in (f"--{option[0]}", option[1])]
        printed = json.loads(run(*command, "--format", "json", **settings).out)
        assert printed["figures"] == report["figures"]
        assert run(*command, "--format", "csv", **settings).out.splitlines() == table.splitlines()
        assert run(*command, **settings).code == 0


def test_what_is_recalled_before_it_is_routed_was_not_rejected(world: World) -> None:
    world.at("2026-12-16 10:00")
    recall(world, world.hand_in(urgent()))
    unroutable = world.routed(sample(10))
    assert unroutable["state"] == "unroutable"
    recall(world, unroutable)
    rejected = about_nobody({**urgent(), "reference": "SP-2026-9001"})
    world.hand_in(rejected)
    world.drain()
    world.hand_in({**urgent(), "reference": "SP-2026-9001"})
    world.drain()
    counted = figures(world, "quality")
    assert {name: counts for (_, name), counts in counted.items() if name != "with_defects"} == {
        "all": 4,
        "recalled": 2,
        "rejected": 1,
    }


def test_a_hand_over_is_no_redirect_and_what_is_said_after_it_no_decision(world: World) -> None:
    world.at("2026-12-16 16:55")
    world.routed(urgent())
    (offered,) = world.collect(OFFICE)
    at(world, "2026-12-16 17:00")
    world.at("2026-12-16 17:01")
    late = {"stage": "decided", "by": "A. Person", "outcome": "advice"}
    assert world.answer(OFFICE, delivery=offered["delivery"], **late)["result"] == "handed_over"
    assert figures(world, "decisions") == {}
    headers = world.headers("ops", "ops")
    report = world.client.get("/v1/reports/deadlines", params=DECEMBER, headers=headers).json()
    (everything,) = (line for line in report["figures"] if line["by"] == "all")
    assert (everything["legs"], everything["sent_on"]) == (2, 0)


def test_a_missing_child_whose_part_was_never_offered_was_shared_with_nobody(world: World) -> None:
    world.at("2026-12-16 16:30")
    document = urgent()
    document["children"][0]["missing"] = {"status": "missing", "since": "2026-12-16T12:00:00Z"}
    role = {"kind": "employment", "organisation_code": OFFICE, "works_with_children": False}
    document["persons_posing_risk"][0]["roles"] = [role]
    status = world.routed(document)
    assert [part["state"] for part in status["deliveries"]] == ["held"]
    recall(world, status)
    expected = {("known", "all"): 1, ("shared", "not_yet"): 1, ("acknowledged", "not_yet"): 1}
    assert figures(world, "missing") == expected


@pytest.mark.parametrize(
    ("accepted", "day", "month"),
    [
        ("2027-04-01 00:30", "2027-04-01", "2027-04"),  # 23:30 of the day before in UTC
        ("2027-10-31 23:59", "2027-10-31", "2027-10"),  # a day of 25 hours
        ("2027-03-28 00:10", "2027-03-28", "2027-03"),  # a day of 23 hours
    ],
)
def test_a_day_and_a_month_are_local(world: World, accepted: str, day: str, month: str) -> None:
    world.at(accepted)
    world.routed(urgent("low"))
    headers = world.headers("ops", "ops")
    for first, last in (("2027-01-01", "2027-12-31"), (day, day)):
        query = {"from": first, "to": last}
        report = world.client.get("/v1/reports/quality", params=query, headers=headers).json()
        months = {line["of"] for line in report["figures"] if line["by"] == "month"}
        assert months == {month}
    beside = {"from": "2027-01-01", "to": f"{day[:8]}{int(day[8:]) - 1:02}"}
    if day[8:] != "01":
        report = world.client.get("/v1/reports/quality", params=beside, headers=headers).json()
        assert report["figures"] == []


@pytest.mark.parametrize("force", ["staffordshire-polce", "", "STAFFORDSHIRE-POLICE", "a\x00b"])
def test_a_force_that_nobody_knows_has_no_report(world: World, force: str) -> None:
    """An empty report would say that it sent nothing."""
    world.at("2026-12-16 10:00")
    world.routed(urgent())
    headers = world.headers("ops", "ops")
    for name in REPORTS:
        for path in (f"/v1/reports/{name}", f"/v1/reports/{name}.csv"):
            answer = world.client.get(path, params={**DECEMBER, "force": force}, headers=headers)
            assert answer.status_code == 422, answer.text
            (fault,) = answer.json()["errors"]
            assert (fault["pointer"], fault["code"]) == ("/force", "unknown-agency")


def test_who_gave_it_back_was_not_prompt(world: World) -> None:
    world.at("2026-12-16 10:00")
    document = urgent()
    document["times"]["first_known_at"] = "2026-12-16T09:00:00Z"
    world.routed(document)
    (part,) = world.collect(OFFICE)
    given = {"delivery": part["delivery"], "by": "A. Person"}
    world.answer(OFFICE, stage="acknowledged", **given)
    assert figures(world, "promptness")["acknowledged", "within_24_hours"] == 1
    world.answer(OFFICE, stage="returned", reason="wrong_area", area="E06000021", **given)
    world.drain()
    world.at("2026-12-27 10:00")
    assert figures(world, "promptness") == {
        ("handed_in", "within_24_hours"): 1,
        ("collected", "not_yet"): 1,
        ("acknowledged", "not_yet"): 1,
    }


@pytest.mark.parametrize(
    ("first_known_at", "band"),
    [
        ("2026-11-01T09:00:00Z", "later"),
        ("2026-12-16T11:00:00Z", "within_24_hours"),  # a sender's clock that is ahead
        ("2026-12-19T09:00:00Z", "within_30_days"),  # as it was said before
    ],
)
def test_nothing_is_known_first_after_it_was_handed_in(
    world: World, first_known_at: str, band: str
) -> None:
    world.at("2026-12-16 10:00")
    document = urgent()
    document["times"]["first_known_at"] = "2026-12-01T09:00:00Z"
    receipt = world.routed(document)
    world.at("2026-12-20 10:00")
    document["times"]["first_known_at"] = first_known_at
    path = f"/v1/referrals/{receipt['id']}/corrections"
    assert world.client.post(path, json=document, headers=world.police).is_success
    world.drain()
    assert figures(world, "promptness")["handed_in", band] == 1
