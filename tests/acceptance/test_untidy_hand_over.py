"""Hand-overs of real offices: a team for two councils, written hours, a day that changes."""

from typing import Any

import pytest

from broker.admin import publish_policy
from broker.channels.registry import CHANNELS
from broker.flow.context import Context
from broker.policy.published.policy import documents_from
from tests.acceptance.conftest import World
from tests.acceptance.test_cases_handover import (
    OFFICE,
    TEAM,
    at,
    kinds,
    lead_parts,
    part_of,
    urgent,
)
from tests.conftest import POLICIES

STOKE = "E06000021"
_SERVES = "    kind: out-of-hours\n    nation: ENG\n    areas: [E10000028"
_OFFICE_HOURS = "    areas: [E10000028]\n    hours: office\n    out_of_hours_partner"
FOR_TWO = {
    "out_of_hours_partner: stoke-edt": "out_of_hours_partner: staffordshire-edt\n"
    "    closures: {2026-12-29: moving house}",
    f"{_SERVES}]": f"{_SERVES}, {STOKE}]",
}
"""One team out of hours for two councils, of which Stoke is closed on a day more."""
WRITTEN_HOURS = {
    f"{_SERVES}]\n    hours: always": f"{_SERVES}]\n    hours: {{Mon: [00:00-09:00, 17:00-09:00], "
    "Tue: 17:00-09:00, Wed: 17:00-09:00, Thu: 17:00-09:00, Fri: 17:00-09:00, Sat: 09:00-24:00, "
    "Sun: 00:00-24:00}"
}


def publish(context: Context, changes: dict[str, str]) -> None:
    """Publish the shipped policy with changes of its directory; every process reads it at once."""
    documents = dict(documents_from(POLICIES))
    for old, new in changes.items():
        assert documents["directory.yaml"].count(old) == 1
        documents["directory.yaml"] = documents["directory.yaml"].replace(old, new)
    publish_policy.publish(context.ledger, documents, now=context.clock(), channels=CHANNELS.forms)
    context.policies._fresh_until = 0.0  # what was read a moment ago is read again


def of(area: str, grade: str = "very_high") -> dict[str, Any]:
    """Return the urgent sample with everybody in an area."""
    document = urgent(grade)
    children = [{**child, "area": area} for child in document["children"]]
    persons = [{**person, "area": area} for person in document["persons_posing_risk"]]
    return {**document, "children": children, "persons_posing_risk": persons}


def correct(world: World, receipt: dict[str, Any], document: dict[str, Any]) -> None:
    path = f"/v1/referrals/{receipt['id']}/corrections"
    assert world.client.post(path, json=document, headers=world.police).is_success
    world.drain()


def decide_by(world: World, part: dict[str, Any]) -> str | None:
    return world.local(part["deadlines"]["decide_by"])


def test_a_team_for_two_councils_counts_the_working_days_of_each(
    world: World, context: Context
) -> None:
    world.at("2026-12-24 18:30")
    publish(context, FOR_TWO)
    here = world.routed(of("E10000028"))
    there = world.routed({**of(STOKE), "reference": "SP-2026-9001"})
    assert decide_by(world, part_of(world.status(here), TEAM)) == "2026-12-29 17:00"
    assert decide_by(world, part_of(world.status(there), TEAM)) == "2026-12-30 17:00"


@pytest.mark.parametrize(("area", "due"), [("E10000028", "29"), (STOKE, "30")])
def test_a_new_grade_at_night_keeps_to_the_office_that_the_team_stands_in_for(
    world: World, context: Context, area: str, due: str
) -> None:
    world.at("2026-12-24 18:30")
    publish(context, FOR_TWO)
    receipt = world.routed(of(area, "immediate"))
    world.at("2026-12-24 19:00")
    correct(world, receipt, of(area, "very_high"))
    part = part_of(world.status(receipt), TEAM)
    assert world.local(part["deadlines"]["acknowledge_by"]) == "2026-12-24 22:30", "regraded"
    assert decide_by(world, part) == f"2026-12-{due} 17:00"


@pytest.mark.parametrize(
    ("area", "office", "opens"),
    [("E10000028", OFFICE, "2026-12-29"), (STOKE, "stoke-csc", "2026-12-30")],
)
def test_what_a_team_for_two_gave_back_goes_to_the_right_office_all_the_same(
    world: World, context: Context, area: str, office: str, opens: str
) -> None:
    world.at("2026-12-24 18:30")
    publish(context, FOR_TWO)
    receipt = world.routed(of(area))
    (offered,) = world.collect(TEAM)
    given_back = {"stage": "returned", "by": "EDT worker", "reason": "need_information"}
    assert world.answer(TEAM, delivery=offered["delivery"], **given_back)["result"] == "recorded"
    completed = of(area)
    completed["concern"]["summary"] += " The school is known."
    correct(world, receipt, completed)
    part = part_of(world.status(receipt), TEAM)
    assert (part["state"], decide_by(world, part)) == ("available", f"{opens} 17:00")
    at(world, f"{opens} 09:00")
    parts = {part["agency"]: part for part in world.status(receipt)["deliveries"]}
    assert (parts[TEAM]["state"], parts[office]["state"]) == ("handed_over", "available")


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-12-14 20:00", "2026-12-15 17:00"),
        ("2026-12-24 18:30", "2026-12-29 17:00"),
        ("2026-12-25 12:30", "2026-12-29 17:00"),
    ],
)
def test_a_team_whose_hours_are_written_counts_the_working_days_of_its_office(
    world: World, context: Context, received: str, due: str
) -> None:
    """A night that ends at nine would give a day more than guidance leaves."""
    world.at(received)
    publish(context, WRITTEN_HOURS)
    (part,) = lead_parts(world.routed(of("E10000028")))
    assert (part["agency"], decide_by(world, part)) == (TEAM, due)


def test_a_hand_over_does_not_put_off_whom_a_breach_is_escalated_to(world: World) -> None:
    """Breached at 08:34: the police and ops are told as if nothing had changed hands."""
    world.at("2026-12-17 07:34")
    receipt = world.routed(urgent())
    for minute in range(30, 140):
        at(world, f"2026-12-17 {8 + minute // 60:02}:{minute % 60:02}")
    path = f"/v1/referrals/{receipt['id']}/timeline"
    events = world.client.get(path, headers=world.police).json()["events"]
    told = {
        (event["agency"], event["data"]["to"]): world.local(event["at"])[11:]  # type: ignore[index]
        for event in reversed(events)
        if event["kind"] == "delivery.escalated" and event["data"]["milestone"] == "acknowledge"
    }
    assert told == {
        (TEAM, "agency"): "08:34",
        (OFFICE, "agency"): "09:00",
        (OFFICE, "publisher"): "09:04",
        (OFFICE, "ops"): "09:19",
    }


def test_what_the_police_have_taken_on_is_escalated_anew_after_a_hand_over(world: World) -> None:
    world.at("2026-12-17 07:34")
    receipt = world.routed(urgent())
    at(world, "2026-12-17 08:34")
    found = world.client.get("/v1/escalations", headers=world.police).json()["escalations"]
    for escalation in found:
        path = f"/v1/escalations/{escalation['id']}/acknowledge"
        assert world.client.post(path, json={"by": "DS Farlow"}, headers=world.police).is_success
    for minute in range(6):
        at(world, f"2026-12-17 09:{minute:02}")
    assert kinds(world, receipt).count(("delivery.escalated", OFFICE)) == 2, "its own duty contact"


def test_what_is_released_after_hours_goes_to_the_team_at_once(world: World) -> None:
    world.at("2026-12-16 16:30")
    document = urgent()
    role = {"kind": "employment", "organisation_code": OFFICE, "works_with_children": False}
    document["persons_posing_risk"][0]["roles"] = [role]
    receipt = world.routed(document)
    (held,) = lead_parts(world.status(receipt))
    assert held["state"] == "held"
    at(world, "2026-12-16 17:05")
    world.at("2026-12-16 17:10")
    path = f"/v1/deliveries/{held['id']}/hold/release"
    body = {"reason": "Another team there has it.", "by": "A. Person"}
    assert world.client.post(path, json=body, headers=world.headers("ops", "ops")).is_success
    at(world, "2026-12-16 17:10")
    part = part_of(world.status(receipt), TEAM)
    assert world.local(part["deadlines"]["acknowledge_by"]) == "2026-12-16 18:10"


def test_a_closure_that_is_published_today_moves_what_the_office_has(
    world: World, context: Context
) -> None:
    world.at("2026-12-16 09:30")
    receipt = world.routed(urgent())
    world.at("2026-12-16 09:40")
    publish(context, {_OFFICE_HOURS: f"    closures: {{2026-12-16: snow}}\n{_OFFICE_HOURS}"})
    world.watch()
    assert part_of(world.status(receipt), OFFICE)["state"] == "available", "not every process knows"
    world.clock.advance(seconds=10)
    world.watch()
    assert part_of(world.status(receipt), OFFICE)["state"] == "handed_over"
    part = part_of(world.status(receipt), TEAM)
    assert world.local(part["deadlines"]["acknowledge_by"]) == "2026-12-16 10:30"


def both_councils() -> dict[str, Any]:
    """Return the urgent sample with a second child, who is in Stoke."""
    document = of("E10000028")
    first = {name: value for name, value in document["children"][0].items() if name != "nhs_number"}
    second = {**first, "id": "child-2", "given_name": "Otto", "area": STOKE}
    return {**document, "children": [*document["children"], second]}


def children(world: World, agency: str) -> list[list[str]]:
    """Collect what waits for an agency; return whom each delivery shows."""
    offered = world.collect(agency)
    return [[child["id"] for child in each["content"]["children"]] for each in offered]


def test_a_team_for_two_councils_hands_each_its_own_child(world: World, context: Context) -> None:
    """One part for both would go to the first council, and the second one would never hear."""
    world.at("2026-12-24 18:30")
    publish(context, FOR_TWO)
    receipt = world.routed(both_councils())
    assert children(world, TEAM) == [["child-1"], ["child-2"]]
    at(world, "2026-12-29 09:00")
    assert (children(world, OFFICE), world.collect("stoke-csc")) == ([["child-1"]], [])
    at(world, "2026-12-30 09:00")
    parts = [(part["agency"], part["state"]) for part in world.status(receipt)["deliveries"]]
    assert parts.count((TEAM, "handed_over")) == 2
    assert children(world, "stoke-csc") == [["child-2"]]


def test_a_correction_at_night_corrects_the_part_for_each_council(
    world: World, context: Context
) -> None:
    world.at("2026-12-24 18:30")
    publish(context, FOR_TWO)
    receipt = world.routed(both_councils())
    assert len(world.collect(TEAM)) == 2
    world.at("2026-12-24 19:00")
    corrected = both_councils()
    corrected["concern"]["summary"] += " The bail address is known."
    correct(world, receipt, corrected)
    corrections = world.collect(TEAM)
    assert [each["kind"] for each in corrections] == ["correction", "correction"]
    shown = [[child["id"] for child in each["content"]["children"]] for each in corrections]
    assert sorted(shown) == [["child-1"], ["child-2"]]
    at(world, "2026-12-29 09:00")
    (part,) = world.collect(OFFICE)
    assert "bail address" in str(part["content"])
    stays = [each for each in world.status(receipt)["deliveries"] if each["kind"] == "correction"]
    assert sorted(each["state"] for each in stays) == ["handed_over", "leased"]


def test_a_child_that_leaves_one_council_at_night_leaves_the_part_for_the_other_alone(
    world: World, context: Context
) -> None:
    world.at("2026-12-24 18:30")
    publish(context, FOR_TWO)
    receipt = world.routed(both_councils())
    assert len(world.collect(TEAM)) == 2
    world.at("2026-12-24 19:00")
    alone = both_councils()
    correct(world, receipt, {**alone, "children": alone["children"][:1]})
    assert [each["kind"] for each in world.collect(TEAM)] == ["recall"]
    at(world, "2026-12-29 09:00")
    assert children(world, OFFICE) == [["child-1"]]
    at(world, "2026-12-30 09:00")
    assert world.collect("stoke-csc") == []


def test_an_office_that_has_ended_overnight_is_succeeded_by_who_serves_its_area(
    world: World, context: Context
) -> None:
    """As when councils are merged: the team hands over to the new one, on the same clock."""
    world.at("2026-12-16 20:00")
    receipt = world.routed(urgent())
    ends = "    from: 2026-01-01\n    contacts: {duty: {email: duty@staffordshire-csc"
    begins = """  merged-csc:
    name: Merged children's social care (sample)
    kind: social-care
    nation: ENG
    areas: [E10000028]
    hours: office
    out_of_hours_partner: staffordshire-edt
    channel: mailbox
    from: 2026-12-17
    contacts:
      duty: {email: duty@merged.example.org, telephone: 01632 960150}
      manager: {email: manager@merged.example.org, telephone: 01632 960151}
"""
    stoke = "  stoke-csc:\n"
    publish(context, {ends: f"    until: 2026-12-16\n{ends}", stoke: f"{begins}{stoke}"})
    at(world, "2026-12-17 09:00")
    before, after = world.status(receipt)["deliveries"]
    assert (before["agency"], before["state"]) == (TEAM, "handed_over")
    assert (after["agency"], after["state"]) == ("merged-csc", "available")
    assert after["clock_start"] == before["clock_start"]


NIGHTS = "{Mon: 22:00-06:00, Tue: 22:00-06:00, Wed: 22:00-06:00, Thu: 22:00-06:00, "
NIGHTS += "Fri: 22:00-06:00, Sat: 22:00-01:30, Sun: 22:00-06:00}"


@pytest.mark.parametrize(
    ("start", "turns"),
    [
        # Half past one does not exist: the office closes when the clocks have gone forward.
        ("2027-03-27 22:30", ["03-28 02:00", "03-28 22:00", "03-29 06:00"]),
        # Half past one comes twice: the office closes at the first.
        ("2027-10-30 22:30", ["10-31 01:30", "10-31 22:00", "11-01 06:00"]),
    ],
)
def test_an_office_at_night_hands_over_when_the_clocks_change(
    world: World, context: Context, start: str, turns: list[str]
) -> None:
    world.at("2027-03-20 12:00")
    publish(context, {_OFFICE_HOURS: _OFFICE_HOURS.replace("office", NIGHTS)})
    world.at(start)
    receipt = world.routed(urgent())
    seen = []
    for _ in range(36 * 2):
        before = len(lead_parts(world.status(receipt)))
        world.clock.advance(minutes=30)
        world.watch()
        if len(lead_parts(world.status(receipt))) > before:
            seen.append(world.local(world.clock.now.isoformat())[5:])  # type: ignore[index]
    assert seen == turns
    assert len({part["clock_start"] for part in lead_parts(world.status(receipt))}) == 1
