"""Answers as people give them: for the wrong version, twice, later, and after a hand-over."""

from typing import Any

import psycopg
import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases_handover import OFFICE, TEAM, at, held_by_the_team, kinds, urgent

PERSON = "A. Social-Worker"


@pytest.fixture
def delivery(world: World) -> dict[str, Any]:
    """A delivery of medium grade, which its office has for a working day."""
    world.at("2026-12-16 10:00")
    (routed,) = world.routed(urgent("medium"))["deliveries"]
    return dict(routed)


def answers(context: Context) -> list[tuple[Any, ...]]:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(
            "select stage, number, outcome, note, child_told from answer order by at, number"
        ).fetchall()


def parts(world: World, receipt: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who has which part of a referral, in which state and until when."""
    names = ("id", "agency", "state", "replaces", "deadlines", "paused_at")
    deliveries = world.status(receipt)["deliveries"]
    return [{name: delivery[name] for name in names} for delivery in deliveries]


def decide(world: World, delivery: dict[str, Any], **more: str) -> tuple[str, bool]:
    id_ = delivery.get("id") or delivery["delivery"]
    receipt = {"stage": "decided", "by": PERSON, "outcome": "advice", **more}
    result = world.answer(OFFICE, delivery=id_, **receipt)
    return result["result"], result["changed"]


def test_a_correction_is_not_decided_because_what_it_corrects_would_stay_open(
    world: World, context: Context, delivery: dict[str, Any]
) -> None:
    (offered,) = world.collect(OFFICE)
    corrected = urgent("medium")
    corrected["concern"]["summary"] += " The bail address is known."
    path = f"/v1/referrals/{offered['referral']}/corrections"
    assert world.client.post(path, json=corrected, headers=world.police).is_success
    world.drain()
    (correction,) = world.collect(OFFICE)
    assert decide(world, correction) == ("wrong_kind", False)
    assert answers(context) == []
    taken = {"stage": "acknowledged", "by": PERSON}
    assert world.answer(OFFICE, delivery=correction["delivery"], **taken)["result"] == "recorded"
    assert decide(world, delivery) == ("recorded", False)
    assert world.status({"id": offered["referral"]})["state"] == "closed"


def test_what_is_added_to_a_decision_is_kept_and_what_was_said_before_stays(
    world: World, context: Context, delivery: dict[str, Any]
) -> None:
    assert decide(world, delivery, note="Visit on Friday.") == ("recorded", False)
    assert decide(world, delivery, note="Visit on Friday.") == ("already", False)
    assert decide(world, delivery) == ("already", False)
    assert decide(world, delivery, note="Visit on Thursday instead.") == ("recorded", True)
    assert decide(world, delivery, child_told="yes") == ("recorded", True)
    assert answers(context) == [
        ("decided", 1, "advice", "Visit on Friday.", None),
        ("decided", 2, "advice", "Visit on Thursday instead.", None),
        ("decided", 3, "advice", "Visit on Thursday instead.", "yes"),
    ]
    status = world.client.get(
        "/v1/referrals", params={"reference": urgent()["reference"]}, headers=world.police
    ).json()
    assert status["deliveries"][0]["note"] == "Visit on Thursday instead."


def test_a_new_outcome_does_not_inherit_the_note_of_another(
    world: World, context: Context, delivery: dict[str, Any]
) -> None:
    decide(world, delivery, note="Nothing more to do.", child_told="yes")
    assert decide(world, delivery, outcome="strategy_discussion") == ("recorded", True)
    assert answers(context)[-1] == ("decided", 2, "strategy_discussion", None, None)


def test_what_a_team_decides_anew_after_it_handed_over_changes_nothing(
    world: World, context: Context
) -> None:
    receipt = held_by_the_team(world, "decided", outcome="action_taken")
    at(world, "2026-12-29 09:00")
    world.at("2026-12-29 09:05")
    (part, *_) = world.status(receipt)["deliveries"]
    again = {"delivery": part["id"], "stage": "decided", "by": "EDT worker"}
    same = world.answer(TEAM, **again, outcome="action_taken")
    assert (same["result"], same["state"]) == ("already", "decided")
    late = world.answer(TEAM, **again, outcome="strategy_discussion")
    assert (late["result"], late["state"], late["changed"]) == ("handed_over", "decided", False)
    assert world.local(late["at"]) == "2026-12-29 09:00", "since when another team has it"
    assert kinds(world, receipt).count(("delivery.decided", TEAM)) == 1
    assert kinds(world, receipt).count(("delivery.answered_late", TEAM)) == 1


@pytest.mark.parametrize("area", ["E10000028", None])
def test_what_a_team_returns_after_it_handed_over_goes_to_nobody_else(
    world: World, context: Context, area: str | None
) -> None:
    """Its office has the part: another area's agency has no claim to it."""
    receipt = held_by_the_team(world, "acknowledged")
    at(world, "2026-12-29 09:00")
    before = parts(world, receipt)
    (part, *_) = before
    returned = {"delivery": part["id"], "stage": "returned", "by": "EDT worker"}
    why = {"reason": "wrong_area", "area": area} if area else {"reason": "not_ours"}
    late = world.answer(TEAM, **returned, **why)
    assert (late["result"], late["state"]) == ("handed_over", "handed_over")
    world.drain()
    assert parts(world, receipt) == before
    assert answers(context)[-1][0] == "returned"
    assert kinds(world, receipt).count(("delivery.answered_late", TEAM)) == 1


def test_what_is_returned_while_its_clock_is_paused_runs_again_and_alarms(world: World) -> None:
    """Nobody waits for information any more: ops must find somebody else in time."""
    world.at("2026-12-22 10:00")
    status = world.routed(sample(5))
    lado = next(part for part in status["deliveries"] if part["agency"] == "staffordshire-lado")
    headers = world.headers("staffordshire-lado", "collect")
    taken = {"delivery": lado["id"], "by": "A. Officer"}
    world.answer("staffordshire-lado", stage="acknowledged", **taken)
    path = f"/v1/deliveries/{lado['id']}/pause"
    reason = {"reason": "information_requested"}
    assert world.client.post(path, json=reason, headers=headers).is_success
    world.at("2026-12-23 10:00")
    world.answer("staffordshire-lado", stage="returned", reason="not_ours", **taken)
    (after,) = [part for part in world.status(status)["deliveries"] if part["id"] == lado["id"]]
    assert (after["state"], after["paused_at"]) == ("returned", None)
    # Eight open hours were lost, so one working day more than the 29th.
    assert world.local(after["deadlines"]["decide_by"]) == "2026-12-30 17:00"
    at(world, "2026-12-30 17:00")
    assert ("delivery.breached", "staffordshire-lado") in kinds(world, status)
    ops = world.client.get("/v1/escalations", headers=world.headers("ops", "ops")).json()
    late = [each for each in ops["escalations"] if each["delivery"] == lado["id"]]
    assert [(each["milestone"], each["organisation"]) for each in late] == [("decide", "ops")]
