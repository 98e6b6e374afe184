"""Cases about what agencies answer: decisions that change, and what keeps a referral open."""

from typing import Any

from tests.acceptance.conftest import World, sample

CHILD = {"views_considered": "yes", "child_told": "not_yet"}


def by_agency(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {delivery["agency"]: delivery for delivery in status["deliveries"]}


def answered(world: World, delivery: dict[str, Any], stage: str, **more: str) -> dict[str, Any]:
    """Answer a delivery of the publisher's status, and return the result."""
    receipt = {"delivery": delivery["id"], "stage": stage, "by": "A. Social-Worker", **more}
    return world.answer(delivery["agency"], **receipt)


def test_34_a_decision_that_changes_is_in_the_history_and_the_publisher_is_told(
    world: World,
) -> None:
    world.at("2026-12-18 16:50")
    status = world.routed(sample(1))
    (delivery,) = status["deliveries"]
    first = answered(world, delivery, "decided", outcome="advice")
    assert (first["result"], first["changed"]) == ("recorded", False)
    assert world.status(status)["state"] == "closed"
    world.at("2026-12-21 10:00")
    more = {"outcome": "strategy_discussion", "by": "Team manager"}
    second = answered(world, delivery, "decided", **more)
    assert (second["result"], second["changed"], second["state"]) == ("recorded", True, "decided")
    again = answered(world, delivery, "decided", **more)
    assert (again["result"], again["changed"]) == ("already", False)
    shown = by_agency(world.status(status))[delivery["agency"]]
    assert shown["outcome"] == "strategy_discussion"
    history = [
        (made["outcome"], made["by"], world.local(made["at"])) for made in shown["decisions"]
    ]
    assert history == [
        ("advice", "A. Social-Worker", "2026-12-18 16:50"),
        ("strategy_discussion", "Team manager", "2026-12-21 10:00"),
    ]
    assert world.local(shown["decided_at"]) == "2026-12-18 16:50", "the deadline was met then"
    feed = world.client.get("/v1/events", headers=world.police).json()["events"]
    data = [event["data"] for event in feed if event["kind"] == "delivery.decided"]
    assert data == [
        {"outcome": "advice"},
        {"outcome": "strategy_discussion", "changed_from": "advice"},
    ]
    assert "Team manager" not in str(data)


def test_34_a_copy_ends_with_its_acknowledgement(world: World) -> None:
    """The school's only deadline is to acknowledge; social care owes a decision."""
    world.at("2026-12-22 10:00")
    status = world.routed(sample(5))
    deliveries = by_agency(status)
    school = deliveries.pop("school-900001")
    assert school["deadlines"]["decide_by"] is None
    for delivery in deliveries.values():
        answered(world, delivery, "acknowledged")
    answered(world, school, "acknowledged")
    assert world.status(status)["state"] == "routed", "decisions are owed"
    for delivery in deliveries.values():
        answered(world, delivery, "decided", outcome="assessment")
    after = world.status(status)
    assert after["state"] == "closed"
    assert by_agency(after)["school-900001"]["state"] == "acknowledged"
    depth = world.client.get("/v1/queue", headers=world.headers("school-900001", "collect")).json()
    assert depth["acknowledged"] == 0


def test_34_what_the_school_returns_after_the_close_needs_an_owner_again(world: World) -> None:
    world.at("2026-12-22 10:00")
    status = world.routed(sample(5))
    deliveries = by_agency(status)
    school = deliveries.pop("school-900001")
    answered(world, school, "acknowledged")
    for delivery in deliveries.values():
        answered(world, delivery, "decided", outcome="assessment")
    assert world.status(status)["state"] == "closed"
    answered(world, school, "returned", reason="not_ours")
    assert world.status(status)["state"] == "routed"
    waiting = world.client.get("/v1/attention", headers=world.headers("ops", "ops")).json()
    assert school["id"] in str(waiting["returned"])


def test_34_a_decision_says_whether_the_child_was_heard_and_told(world: World) -> None:
    world.at("2026-12-18 16:50")
    document = sample(1)
    document["children"][0]["voice"] = {"said": "Invented words of a child."}
    status = world.routed(document)
    (delivery,) = status["deliveries"]
    agency = world.headers(delivery["agency"], "collect")
    offered = world.client.get(f"/v1/deliveries/{delivery['id']}", headers=agency).json()
    assert offered["asks"] == {"views_considered": True, "child_told": True}
    first = answered(world, delivery, "decided", outcome="assessment", **CHILD)
    assert first["result"] == "recorded"
    told = answered(world, delivery, "decided", outcome="assessment", child_told="yes")
    assert (told["result"], told["changed"]) == ("recorded", True)
    shown = by_agency(world.status(status))[delivery["agency"]]
    assert (shown["views_considered"], shown["child_told"]) == ("yes", "yes")


def test_34_nothing_is_asked_of_a_view_without_a_voice_and_only_decisions_say_it(
    world: World,
) -> None:
    world.at("2026-12-22 10:00")
    status = world.routed(sample(5))
    school = by_agency(status)["school-900001"]
    (offered,) = world.collect("school-900001")
    assert offered["asks"] == {"views_considered": False, "child_told": False}
    for name, value in CHILD.items():
        receipt = {"delivery": school["id"], "stage": "acknowledged", "by": "A. Lead", name: value}
        answer = world.client.post(
            "/v1/receipts",
            json={"receipts": [receipt]},
            headers=world.headers("school-900001", "collect"),
        )
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["pointer"] == f"/receipts/0/{name}"
