"""Cases 27 and 28, steps S6 and S7: between the office and its team out of hours, one clock."""

from datetime import timedelta
from random import Random
from typing import Any

import psycopg
import pytest

from broker.domain.ids import LeaseId
from broker.flow.context import Context
from broker.flow.notify import written
from tests.acceptance.conftest import LONDON, World, sample

OFFICE, TEAM = "staffordshire-csc", "staffordshire-edt"
ENDED = {"handed_over", "decided", "returned", "recalled"}


def urgent(grade: str = "immediate") -> dict[str, Any]:
    """Return the sample of case 2, a child in Staffordshire, with another grade."""
    document = sample(2)
    return {**document, "grade": {**document["grade"], "level": grade}}


def lead_parts(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in status["deliveries"] if part["agency"] in (OFFICE, TEAM)]


def part_of(status: dict[str, Any], agency: str) -> dict[str, Any]:
    """Return the latest part of an agency."""
    return [part for part in lead_parts(status) if part["agency"] == agency][-1]


def kinds(world: World, receipt: dict[str, Any]) -> list[tuple[str, str | None]]:
    answer = world.client.get(f"/v1/referrals/{receipt['id']}/timeline", headers=world.police)
    return [(event["kind"], event["agency"]) for event in answer.json()["events"]]


def at(world: World, local: str) -> None:
    """Move the clock and let the workers look at what is due."""
    world.at(local)
    world.watch()


def held_by_the_team(world: World, stage: str | None = None, **more: str) -> dict[str, Any]:
    """Hand in a very high one on Christmas Eve, and let the team out of hours answer."""
    world.at("2026-12-24 18:30")
    receipt = world.routed(sample(2))
    (offered,) = world.collect(TEAM)
    if stage:
        answered = world.answer(
            TEAM, delivery=offered["delivery"], stage=stage, by="EDT worker", **more
        )
        assert answered["result"] == "recorded", answered
    return receipt


def test_27_the_day_team_gets_what_the_team_out_of_hours_acknowledged(world: World) -> None:
    receipt = held_by_the_team(world, "acknowledged")
    at(world, "2026-12-29 08:59")
    assert world.collect(OFFICE) == []
    at(world, "2026-12-29 09:00")
    status = world.status(receipt)
    before, after = part_of(status, TEAM), part_of(status, OFFICE)
    assert before["state"] == "handed_over"
    assert after["clock_start"] == before["clock_start"]
    assert world.local(after["deadlines"]["decide_by"]) == "2026-12-29 17:00"
    (mine,) = world.collect(OFFICE)
    assert mine["content"]["children"]
    assert mine["handed_over"]["from"] == TEAM
    assert [answer["by"] for answer in mine["handed_over"]["answers"]] == ["EDT worker"]
    assert "office opened" in mine["why"]
    assert ("delivery.handed_over", TEAM) in kinds(world, receipt)


def test_27_what_the_team_has_met_is_no_breach_of_the_day_team(world: World) -> None:
    receipt = held_by_the_team(world, "acknowledged")
    at(world, "2026-12-29 09:00")
    world.watch()
    assert ("delivery.breached", OFFICE) not in kinds(world, receipt)
    after = part_of(world.status(receipt), OFFICE)
    assert world.local(after["deadlines"]["acknowledge_by"]) == "2026-12-29 17:00"
    assert after["deadlines"]["collect_by"] is None


def test_27_a_decision_of_the_team_does_not_close_it_for_the_day_team(world: World) -> None:
    receipt = held_by_the_team(world, "decided", outcome="action_taken")
    assert world.status(receipt)["state"] == "routed"
    at(world, "2026-12-29 09:00")
    status = world.status(receipt)
    assert (status["state"], part_of(status, TEAM)["state"]) == ("routed", "decided")
    (mine,) = world.collect(OFFICE)
    assert mine["handed_over"]["answers"][-1]["outcome"] == "action_taken"
    decided = world.answer(
        OFFICE, delivery=mine["delivery"], stage="decided", by="Social worker", outcome="assessment"
    )
    assert decided["result"] == "recorded"
    assert world.status(receipt)["state"] == "closed"


def test_27_what_the_team_calls_not_its_own_goes_to_the_office_and_nothing_else_does(
    world: World,
) -> None:
    receipt = held_by_the_team(world, "returned", reason="not_ours")
    at(world, "2026-12-29 09:00")
    assert len(world.collect(OFFICE)) == 1
    assert part_of(world.status(receipt), TEAM)["state"] == "returned"


def test_27_what_the_team_returns_for_another_reason_is_for_ops(world: World) -> None:
    held_by_the_team(world, "returned", reason="unreadable")
    at(world, "2026-12-29 09:00")
    assert world.collect(OFFICE) == []


def test_28_at_closing_time_the_team_has_what_nobody_has_acknowledged(world: World) -> None:
    world.at("2026-12-16 16:55")
    receipt = world.routed(urgent())
    before = part_of(world.status(receipt), OFFICE)
    at(world, "2026-12-16 16:59")
    assert world.collect(TEAM) == []
    at(world, "2026-12-16 17:00")
    status = world.status(receipt)
    assert part_of(status, OFFICE)["state"] == "handed_over"
    after = part_of(status, TEAM)
    assert after["deadlines"] == before["deadlines"]
    assert after["clock_start"] == before["clock_start"]
    (mine,) = world.collect(TEAM)
    assert world.local(mine["deadlines"]["acknowledge_by"]) == "2026-12-16 17:55"


def test_28_the_office_that_has_collected_it_loses_its_lease_and_learns_it(world: World) -> None:
    world.at("2026-12-16 16:55")
    receipt = world.routed(urgent())
    (offered,) = world.collect(OFFICE)
    at(world, "2026-12-16 17:00")
    lease = {"delivery": offered["delivery"], "lease": offered["lease"]["id"]}
    headers = world.headers(OFFICE, "collect")
    extended = world.client.post("/v1/leases/extend", json={"leases": [lease]}, headers=headers)
    assert extended.json()["results"][0]["result"] == "lease_lost"
    late = {"stage": "acknowledged", "by": "Duty worker", **lease}
    for _ in range(2):
        answered = world.answer(OFFICE, **late)
        assert (answered["result"], answered["state"]) == ("handed_over", "handed_over")
    assert kinds(world, receipt).count(("delivery.answered_late", OFFICE)) == 1
    part = part_of(world.status(receipt), OFFICE)
    assert (part["state"], part["answered_by"]) == ("handed_over", "Duty worker")
    assert part_of(world.status(receipt), TEAM)["state"] == "available"
    shown = world.client.get(f"/v1/deliveries/{offered['delivery']}", headers=headers).json()
    assert shown["state"] == "handed_over"


def test_28_what_a_person_at_the_office_has_acknowledged_stays_there(world: World) -> None:
    world.at("2026-12-16 16:55")
    receipt = world.routed(urgent())
    (offered,) = world.collect(OFFICE)
    world.answer(OFFICE, delivery=offered["delivery"], stage="acknowledged", by="Duty worker")
    at(world, "2026-12-16 17:00")
    assert world.collect(TEAM) == []
    assert part_of(world.status(receipt), OFFICE)["state"] == "acknowledged"


@pytest.mark.parametrize("grade", ["high", "medium", "low"])
def test_28_what_can_wait_for_the_office_stays_there(world: World, grade: str) -> None:
    world.at("2026-12-16 16:55")
    receipt = world.routed(urgent(grade))
    assert world.status(receipt)["effective_grade"] == grade
    at(world, "2026-12-16 17:00")
    assert world.collect(TEAM) == []
    assert part_of(world.status(receipt), OFFICE)["state"] == "available"


def test_28_the_alarms_of_one_clock_go_to_who_has_it(world: World) -> None:
    world.at("2026-12-16 16:55")
    receipt = world.routed(urgent())
    at(world, "2026-12-16 17:00")
    at(world, "2026-12-16 17:56")
    breached = [agency for kind, agency in kinds(world, receipt) if kind == "delivery.breached"]
    assert set(breached) == {TEAM}
    escalated = [agency for kind, agency in kinds(world, receipt) if kind == "delivery.escalated"]
    assert set(escalated) == {TEAM}


def test_both_ways_there_is_one_clock_and_one_owner(world: World) -> None:
    world.at("2026-12-16 16:55")
    receipt = world.routed(urgent())
    starts = {part["clock_start"] for part in lead_parts(world.status(receipt))}
    for local in ("2026-12-16 17:00", "2026-12-17 09:00", "2026-12-17 17:00", "2026-12-18 09:00"):
        at(world, local)
        parts = lead_parts(world.status(receipt))
        assert len([part for part in parts if part["state"] not in ENDED]) == 1
        starts |= {part["clock_start"] for part in parts}
    assert len(starts) == 1
    agencies = [part["agency"] for part in lead_parts(world.status(receipt))]
    assert agencies == [OFFICE, TEAM, OFFICE, TEAM, OFFICE]


def test_a_recalled_referral_is_handed_to_nobody(world: World) -> None:
    receipt = held_by_the_team(world)
    recalled = world.client.post(
        f"/v1/referrals/{receipt['id']}/recall",
        json={"reason": "wrong_person", "by": "DS Farlow"},
        headers=world.police,
    )
    assert recalled.status_code == 202, recalled.text
    world.drain()
    at(world, "2026-12-29 09:00")
    assert world.collect(OFFICE) == []
    assert ("delivery.handed_over", TEAM) not in kinds(world, receipt)


def test_a_recall_after_the_hand_over_asks_both_to_destroy_it(world: World) -> None:
    receipt = held_by_the_team(world, "acknowledged")
    at(world, "2026-12-29 09:00")
    assert len(world.collect(OFFICE)) == 1
    world.client.post(
        f"/v1/referrals/{receipt['id']}/recall",
        json={"reason": "wrong_person", "by": "DS Farlow"},
        headers=world.police,
    )
    world.drain()
    for agency in (OFFICE, TEAM):
        assert [part["kind"] for part in world.collect(agency)] == ["recall"]


def test_a_correction_after_the_hand_over_goes_to_who_has_it_alone(world: World) -> None:
    receipt = held_by_the_team(world, "acknowledged")
    at(world, "2026-12-29 09:00")
    assert len(world.collect(OFFICE)) == 1
    corrected = sample(2)
    corrected["concern"]["summary"] += " The bail address is known."
    sent = world.client.post(
        f"/v1/referrals/{receipt['id']}/corrections",
        json=corrected,
        headers=world.police | {"If-Match": '"1"'},
    )
    assert sent.status_code in (200, 201, 202), sent.text
    world.drain()
    assert [part["kind"] for part in world.collect(OFFICE)] == ["correction"]
    assert world.collect(TEAM) == []


def test_an_open_correction_moves_with_what_it_corrects(world: World) -> None:
    receipt = held_by_the_team(world, "acknowledged")
    corrected = sample(2)
    corrected["concern"]["summary"] += " The bail address is known."
    sent = world.client.post(
        f"/v1/referrals/{receipt['id']}/corrections",
        json=corrected,
        headers=world.police | {"If-Match": '"1"'},
    )
    assert sent.status_code in (200, 201, 202), sent.text
    world.drain()
    at(world, "2026-12-29 09:00")
    assert world.collect(TEAM) == []
    (mine,) = world.collect(OFFICE)
    assert (mine["kind"], mine["version"]) == ("referral", 2)
    assert "bail address" in str(mine["content"])


def is_office_open(world: World) -> bool:
    """Tell by the wall whether the office is open, Monday to Friday 9 to 17, without a holiday."""
    local = world.clock.now.astimezone(LONDON)
    return local.weekday() < 5 and 9 <= local.hour < 17


def chain_ends(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts whose place nobody has taken."""
    replaced = {part["replaces"] for part in parts}
    return [part for part in parts if part["id"] not in replaced]


@pytest.mark.parametrize("seed", range(5))
def test_at_every_instant_one_team_has_it_on_one_clock(world: World, seed: int) -> None:
    """Whatever the teams do and whenever anybody looks, one of them has it: the one on duty."""
    chance = Random(seed)
    world.at(
        f"2026-12-{chance.randint(7, 11):02} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}"
    )
    receipt = world.routed(urgent(chance.choice(["immediate", "very_high"])))
    (first,) = lead_parts(world.status(receipt))
    taken_by_office = False
    for _ in range(14):
        world.clock.advance(minutes=chance.choice([1, 30, 90, 240, 600, 900]))
        world.watch()
        parts = lead_parts(world.status(receipt))
        (owner,) = chain_ends(parts)
        on_duty = OFFICE if is_office_open(world) or taken_by_office else TEAM
        assert owner["agency"] == on_duty
        assert all(part["state"] in ENDED for part in parts if part["id"] != owner["id"])
        assert {part["clock_start"] for part in parts} == {first["clock_start"]}
        assert owner["deadlines"]["decide_by"] == first["deadlines"]["decide_by"]
        last = max(first["deadlines"]["acknowledge_by"], first["deadlines"]["decide_by"])
        assert owner["deadlines"]["acknowledge_by"] <= last
        step = chance.choice(["nothing", "collect", "acknowledged"])
        if step == "collect":
            world.collect(on_duty)
        elif step == "acknowledged" and owner["state"] in ("available", "leased", "collected"):
            world.answer(on_duty, delivery=owner["id"], stage="acknowledged", by="A. Person")
            taken_by_office = taken_by_office or on_duty == OFFICE


def test_an_escalation_says_whom_to_call(world: World) -> None:
    world.at("2026-12-16 16:55")
    world.routed(urgent())
    at(world, "2026-12-16 17:00")
    at(world, "2026-12-16 17:56")
    headers = world.headers(TEAM, "collect")
    (late, *_) = world.client.get("/v1/escalations", headers=headers).json()["escalations"]
    assert (late["telephone"], late["telephone_hours"]) == ("01632 960109", "always")


def test_both_duty_contacts_are_notified_of_the_hand_over(world: World, context: Context) -> None:
    world.at("2026-12-16 16:55")
    world.routed(urgent())
    at(world, "2026-12-16 17:00")
    lease = LeaseId(context.new_id())
    due = context.ledger.alarms.claim_notices(
        50, lease=lease, lease_for=timedelta(minutes=1), now=context.clock()
    )
    told = [notice for notice in due if notice.kind == "delivery.handed_over"]
    assert {str(notice.organisation) for notice in told} == {OFFICE, TEAM}
    message = written(told[0], context.policies.latest().directory, "")
    assert message.subject == "Handed over to Staffordshire emergency duty team (sample)"
    assert "01632 960109" in message.text


def suspect_at(agency: str) -> dict[str, Any]:
    """Return the urgent sample, with a person posing risk who works at an agency."""
    document = urgent()
    role = {"kind": "employment", "organisation_code": agency, "works_with_children": False}
    person = {"id": "suspect", "given_name": "Lucian", "family_name": "Marchbanks"}
    return {**document, "persons_posing_risk": [{**person, "roles": [role]}]}


def hand_over_tasks(context: Context) -> list[tuple[Any, ...]]:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(
            "select referral::text, state, grade, version, next_alarm_at is not null from task"
            " where code = 'hand-over-refused' order by opened_at"
        ).fetchall()


def test_28_a_refused_hand_over_is_a_task_for_ops(world: World, context: Context) -> None:
    world.at("2026-12-16 16:55")
    receipt = world.routed(suspect_at(TEAM))
    at(world, "2026-12-16 17:00")
    assert ("delivery.hand_over_refused", OFFICE) in kinds(world, receipt)
    assert world.collect(TEAM) == []
    assert hand_over_tasks(context) == [(receipt["id"], "open", "immediate", 1, True)]
    lists = world.client.get("/v1/attention", headers=world.headers("ops", "ops")).json()
    (task,) = [task for task in lists["task"] if task["code"] == "hand-over-refused"]
    assert world.local(task["due_at"]) == "2026-12-16 18:00"
    at(world, "2026-12-16 18:01")
    assert ("referral.breached", None) in kinds(world, receipt)


def test_28_a_correction_leaves_that_task_open_and_a_recall_settles_it(
    world: World, context: Context
) -> None:
    world.at("2026-12-16 16:55")
    receipt = world.routed(suspect_at(TEAM))
    at(world, "2026-12-16 17:00")
    corrected = suspect_at(TEAM)
    corrected["concern"]["summary"] += " The bail address is known."
    path = f"/v1/referrals/{receipt['id']}"
    headers = world.police | {"If-Match": '"1"'}
    assert world.client.post(f"{path}/corrections", json=corrected, headers=headers).is_success
    world.drain()
    assert [row[1] for row in hand_over_tasks(context)] == ["open"]
    body = {"reason": "wrong_person", "by": "DS Farlow"}
    assert world.client.post(f"{path}/recall", json=body, headers=world.police).is_success
    world.drain()
    assert [row[1] for row in hand_over_tasks(context)] == ["settled"]


def test_28_each_refused_hand_over_is_a_task_of_its_own(world: World, context: Context) -> None:
    """One referral, two councils: neither team out of hours may have its part."""
    world.at("2026-12-16 16:55")
    document = suspect_at(TEAM)
    stoke = {"id": "suspect-2", "given_name": "Ambrose", "family_name": "Quill"}
    works = {"kind": "employment", "organisation_code": "shropshire-edt"}
    document["persons_posing_risk"].append({**stoke, "roles": [works]})
    second = {**document["children"][0], "id": "second", "given_name": "Clemency"}
    second |= {"area": "E06000051", "lives_with": []}
    for name in ("address", "nhs_number"):
        second.pop(name, None)
    document["children"].append(second)
    receipt = world.routed(document)
    at(world, "2026-12-16 17:00")
    with psycopg.connect(context.settings.database_url) as connection:
        tasks = connection.execute(
            "select pointer, message, state from task where code = 'hand-over-refused'"
            " order by message"
        ).fetchall()
    parts = {part["agency"]: part["id"] for part in world.status(receipt)["deliveries"]}
    assert [(pointer, state) for pointer, _, state in tasks] == [
        (f"/deliveries/{parts['shropshire-csc']}/to/shropshire-edt", "open"),
        (f"/deliveries/{parts[OFFICE]}/to/{TEAM}", "open"),
    ]
    assert "Shropshire emergency duty team (sample) must not have it" in tasks[0][1]
    assert world.collect(TEAM) == world.collect("shropshire-edt") == []
