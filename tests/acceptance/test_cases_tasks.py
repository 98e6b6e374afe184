"""Nobody is forgotten: cases 10, 16, 20, 21 and 38 of the acceptance cases, and steps S1 to S3.

Every wait of a referral has an owner, a deadline, an escalation and a way to act.
"""

import json
from typing import Any

import psycopg
import pytest

from broker.admin import publish_policy
from broker.channels.registry import CHANNELS
from broker.flow.context import Context
from broker.policy.published.policy import documents_from
from broker.shipped import POLICY
from tests.acceptance.conftest import World, sample

BIRMINGHAM = "E08000025"
STAFFORDSHIRE = "E10000028"


def ops(world: World) -> dict[str, str]:
    return world.headers("ops", "ops")


def attention(world: World) -> dict[str, Any]:
    answer = world.client.get("/v1/attention", headers=ops(world))
    assert answer.status_code == 200, answer.text
    return answer.json()


def the_task(world: World) -> dict[str, Any]:
    (task,) = attention(world)["task"]
    return task


def kinds(world: World) -> list[str]:
    events = world.client.get("/v1/events", headers=world.police).json()["events"]
    return [event["kind"] for event in events]


def escalations(world: World) -> list[dict[str, Any]]:
    return world.client.get("/v1/escalations", headers=ops(world)).json()["escalations"]


def invalid(**changes: Any) -> dict[str, Any]:
    """Return a referral that is invalid however tolerant intake is: it is about nothing."""
    document = sample(15)
    grade = {**document["grade"], "level": changes.pop("level", "immediate")}
    for name in ("children", "persons_posing_risk", "concern", "household", "online"):
        document.pop(name, None)
    return {**document, "grade": grade, "reference": "nobody-1", **changes}


def rejected(world: World, **changes: Any) -> dict[str, Any]:
    status = world.routed(invalid(**changes))
    assert status["state"] == "rejected"
    return status


def with_birmingham(context: Context) -> None:
    """Publish the shipped policy with a directory in which Staffordshire serves Birmingham."""
    documents = documents_from(POLICY)
    directory = documents["directory.yaml"].replace(
        f"areas: [{STAFFORDSHIRE}", f"areas: [{BIRMINGHAM}, {STAFFORDSHIRE}"
    )
    publish_policy.publish(
        context.ledger,
        {**documents, "directory.yaml": directory},
        now=context.clock(),
        channels=CHANNELS.forms,
    )
    context.policies._fresh_until = 0.0  # what was read a moment ago is read again


@pytest.mark.parametrize(
    ("level", "due"),
    [
        ("immediate", "2026-12-16 21:00"),
        ("very_high", "2026-12-16 21:00"),
        ("high", "2026-12-17 00:00"),
        ("low", "2026-12-17 17:00"),
        ("Very-High", "2026-12-16 21:00"),
        ("no grade at all", "2026-12-16 21:00"),
    ],
)
def test_20_a_rejected_one_has_a_deadline_by_its_stated_grade(
    world: World, level: str, due: str
) -> None:
    world.at("2026-12-16 20:00")
    status = rejected(world, level=level)
    task = the_task(world)
    assert (task["kind"], task["code"], task["referral"]) == ("task", "rejected", status["id"])
    assert task["owners"] == ["ops", "staffordshire-police supervisor"]
    assert task["action"]
    assert world.local(task["due_at"]) == due
    assert world.local(status["attend_by"]) == due
    assert "referral.task_opened" in kinds(world)


def test_20_a_rejected_one_is_escalated_and_counted_until_it_is_settled(world: World) -> None:
    world.at("2026-12-16 20:00")
    rejected(world)
    world.at("2026-12-16 20:45")
    world.watch()
    assert "referral.warned" in kinds(world)
    world.at("2026-12-16 22:00")
    world.watch()
    (escalation,) = escalations(world)
    assert (escalation["organisation"], escalation["milestone"]) == ("ops", "attend")
    assert "referral.breached" in kinds(world)
    metrics = world.client.get("/metrics", headers=ops(world)).text
    assert 'broker_tasks{state="overdue"} 1.0' in metrics
    task = the_task(world)
    path = f"/v1/tasks/{task['id']}/settle"
    assert world.client.post(path, json={}, headers=ops(world)).status_code == 422
    settled = world.client.post(path, json={"reason": "Sent by telephone."}, headers=ops(world))
    assert settled.status_code == 200, settled.text
    assert attention(world)["task"] == []
    assert escalations(world) == []
    assert "referral.task_settled" in kinds(world)
    again = world.client.post(path, json={"reason": "Once more."}, headers=ops(world))
    assert again.status_code == 404


@pytest.mark.parametrize("headers", ["publish", "collect"])
def test_only_ops_settles_a_task(world: World, headers: str) -> None:
    rejected(world)
    organisation = "staffordshire-police" if headers == "publish" else "stoke-csc"
    answer = world.client.post(
        f"/v1/tasks/{the_task(world)['id']}/settle",
        json={"reason": "Not mine to settle."},
        headers=world.headers(organisation, headers),
    )
    assert answer.status_code == 403
    assert the_task(world)


@pytest.mark.parametrize(
    ("body", "reference"),
    [
        (b'{"reference": "broken-1", "grade": {"level": "immediate"', "broken-1"),
        (b"\xff\xfe nothing that can be read", None),
        (json.dumps(sample(14)).encode(), sample(14)["reference"]),
        (json.dumps({**sample(15), "schema": "referral/9"}).encode(), sample(15)["reference"]),
        (json.dumps({**sample(15), "reference": " no reference "}).encode(), None),
    ],
)
def test_20_a_refused_body_has_an_owner_too(
    world: World, body: bytes, reference: str | None
) -> None:
    world.at("2026-12-16 20:00")
    headers = world.police | {"Content-Type": "application/json"}
    for _ in range(2):
        answer = world.client.post("/v1/referrals", content=body, headers=headers)
        assert 400 <= answer.status_code < 500
    task = the_task(world)
    assert (task["code"], task["referral"], task["reference"]) == ("refused", None, reference)
    assert "organisation.task_opened" in kinds(world)
    world.clock.advance(days=3)
    world.watch()
    assert len(escalations(world)) == 1


def test_20_a_refused_body_is_over_with_the_one_that_can_be_carried(world: World) -> None:
    world.at("2026-12-16 09:00")
    document = sample(15) | {"grade": {**sample(15)["grade"], "level": "immediate"}}
    document["times"] = {"first_known_at": "2026-12-16T08:00:00Z"}
    headers = world.police | {"Content-Type": "application/json"}
    picture = {**document, "concern": {**document["concern"], "summary": "data:image/png;base64,"}}
    body = json.dumps(picture).encode()
    assert world.client.post("/v1/referrals", content=body, headers=headers).status_code == 422
    assert world.local(the_task(world)["due_at"]) == "2026-12-16 10:00"
    world.at("2026-12-16 14:00")
    status = world.routed(document)
    assert attention(world)["task"] == []
    assert {world.local(leg["clock_start"]) for leg in status["deliveries"]} == {"2026-12-16 09:00"}


def test_s3_the_corrected_one_keeps_the_first_hand_in(world: World) -> None:
    world.at("2026-12-16 09:00")
    first = rejected(world)
    world.at("2026-12-16 11:00")
    second = rejected(world, level="high")
    world.at("2026-12-16 14:00")
    status = world.routed(sample(15) | {"reference": first["reference"]})
    assert status["state"] == "routed"
    assert {world.local(leg["clock_start"]) for leg in status["deliveries"]} == {"2026-12-16 09:00"}
    assert attention(world)["task"] == []
    assert [world.status(id_)["state"] for id_ in (first, second)] == ["closed", "closed"]


def test_s2_a_rejected_one_is_still_told_of_after_three_days(world: World) -> None:
    world.at("2026-12-16 20:00")
    rejected(world)
    for hours in (2, 24, 72):
        world.clock.advance(hours=hours)
        world.watch()
    task = the_task(world)
    assert world.local(task["due_at"]) == "2026-12-16 21:00"
    (escalation,) = escalations(world)
    assert escalation["step"] >= 3


def test_s1_the_same_bytes_are_judged_anew_and_keep_their_clock(
    world: World, context: Context
) -> None:
    world.at("2026-12-16 10:00")
    document = sample(15)
    document["children"][0]["area"] = BIRMINGHAM
    status = world.routed(document)
    assert status["state"] in {"rejected", "unroutable"}
    world.at("2026-12-16 15:00")
    with_birmingham(context)
    again = world.routed(document)
    assert again["state"] == "routed"
    assert again["id"] == status["id"]
    assert {world.local(leg["clock_start"]) for leg in again["deliveries"]} == {"2026-12-16 10:00"}
    assert attention(world)["task"] == []


def retried(world: World, status: dict[str, Any]) -> dict[str, Any]:
    answer = world.client.post(f"/v1/referrals/{status['id']}/reroute", json={}, headers=ops(world))
    assert answer.status_code == 202, answer.text
    world.drain()
    return world.status(status)


def test_21_retry_routing_works_for_every_stuck_state(world: World, context: Context) -> None:
    world.at("2026-12-16 10:00")
    document = sample(15)
    document["children"][0]["area"] = BIRMINGHAM
    status = world.routed(document)
    world.at("2026-12-16 15:00")
    with_birmingham(context)
    again = retried(world, status)
    assert again["state"] == "routed"
    assert {world.local(leg["clock_start"]) for leg in again["deliveries"]} == {"2026-12-16 10:00"}


def test_a_verdict_depends_on_the_day(world: World) -> None:
    world.at("2026-12-16 10:00")
    document = sample(15)
    document["children"][0]["date_of_birth"] = "2026-12-17"
    first = world.routed(document)
    world.at("2026-12-17 10:00")
    second = world.routed(document)
    assert second["id"] == first["id"]
    assert second["state"] == "routed"


def test_rejecting_it_again_opens_no_second_task(world: World) -> None:
    world.at("2026-12-16 10:00")
    first = rejected(world)
    due_at = the_task(world)["due_at"]
    world.at("2026-12-16 10:30")
    assert rejected(world)["id"] == first["id"]
    assert the_task(world)["due_at"] == due_at


def test_10_ops_gives_an_area_to_the_referral_when_nobody_is_listed(world: World) -> None:
    world.at("2026-12-16 10:00")
    document = sample(10)
    for name in ("children", "persons_posing_risk", "household"):
        document.pop(name, None)
    identity = {"id": "account-1", "platform": "Murmur", "username": "fictional_otter_77"}
    document["online"] = {**document["online"], "identities": [identity]}
    status = world.routed(document)
    assert (status["state"], status["reason"]) == ("unroutable", "no_area"), status
    world.clock.advance(minutes=30)
    given = world.client.post(
        f"/v1/referrals/{status['id']}/areas",
        json={"areas": {"referral": STAFFORDSHIRE}},
        headers=ops(world),
    )
    assert given.status_code == 202, given.text
    world.drain()
    status = world.status(status)
    assert status["state"] == "routed"
    (care,) = status["deliveries"]
    assert (care["agency"], care["role"]) == ("staffordshire-csc", "lead")
    assert world.local(care["clock_start"]) == "2026-12-16 10:00"
    (offered,) = world.collect("staffordshire-csc")
    assert "fictional_otter_77" in json.dumps(offered["content"])


def test_10_an_area_for_the_referral_is_that_of_each_person_without_one(world: World) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(sample(10))
    given = world.client.post(
        f"/v1/referrals/{status['id']}/areas",
        json={"areas": {"referral": STAFFORDSHIRE}},
        headers=ops(world),
    )
    assert given.status_code == 202, given.text
    world.drain()
    status = world.status(status)
    assert [leg["agency"] for leg in status["deliveries"] if leg["role"] == "lead"] == [
        "staffordshire-csc"
    ]


def test_22_a_leg_that_nobody_serves_is_a_task_while_the_rest_goes_on(world: World) -> None:
    world.at("2026-12-22 10:00")
    document = sample(5)
    document["children"][0]["school"] = {"name": "A school", "urn": "999999"}
    status = world.routed(document)
    assert status["state"] == "routed"
    task = the_task(world)
    assert (task["code"], task["referral"]) == ("no-recipient", status["id"])
    assert task["code"] in [warning["code"] for warning in status["warnings"]]
    document["children"][0].pop("school")
    corrected = world.client.post(
        f"/v1/referrals/{status['id']}/corrections", json=document, headers=world.police
    )
    assert corrected.status_code == 202, corrected.text
    world.drain()
    assert attention(world)["task"] == []


def test_a_recall_settles_the_tasks(world: World) -> None:
    world.at("2026-12-22 10:00")
    document = sample(5)
    document["children"][0]["school"] = {"name": "A school", "urn": "999999"}
    status = world.routed(document)
    assert the_task(world)
    world.client.post(
        f"/v1/referrals/{status['id']}/recall",
        json={"reason": "sent_in_error", "by": "Duty sergeant"},
        headers=world.police,
    )
    world.drain()
    assert attention(world)["task"] == []


def no_area() -> dict[str, Any]:
    return sample(10)


def unserved() -> dict[str, Any]:
    document = sample(15)
    document["children"][0]["area"] = BIRMINGHAM
    return document


@pytest.mark.parametrize("stuck", [no_area, unserved, invalid])
def test_every_stuck_state_has_owner_deadline_escalation_and_a_way_to_act(
    world: World, stuck: Any
) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(stuck())
    assert status["state"] in {"unroutable", "rejected"}
    lists = attention(world)
    (entry,) = [
        item
        for kind in ("unroutable", "task")
        for item in lists[kind]
        if item["referral"] == status["id"]
        and (kind == "unroutable" or item["code"] in {"rejected", "refused"})
    ]
    assert entry["due_at"]
    assert status["attend_by"]
    world.clock.advance(days=2)
    world.watch()
    owners = {
        escalation["organisation"]
        for escalation in escalations(world)
        if escalation["referral"] == status["id"]
    }
    assert owners == {"ops"}
    answer = world.client.post(f"/v1/referrals/{status['id']}/reroute", json={}, headers=ops(world))
    assert answer.status_code == 202, answer.text
    world.drain()
    assert world.status(status)["attend_by"]


def test_20_the_publisher_takes_on_the_escalation_about_its_refused_body(
    world: World, context: Context
) -> None:
    """Only it, and its history says so."""
    world.at("2026-12-16 20:00")
    headers = world.police | {"Content-Type": "application/json"}
    assert world.client.post("/v1/referrals", content=b"{", headers=headers).status_code == 400
    world.clock.advance(days=3)
    world.watch()
    (listed,) = world.client.get("/v1/escalations", headers=world.police).json()["escalations"]
    path, body = f"/v1/escalations/{listed['id']}/acknowledge", {"by": "DS Farlow"}
    other = world.headers("west-mercia-police", "publish")
    assert world.client.post(path, json=body, headers=other).status_code == 404
    answer = world.client.post(path, json=body, headers=world.police)
    assert answer.status_code == 200, answer.text
    assert "organisation.escalation_acknowledged" in kinds(world)
    with psycopg.connect(context.settings.database_url) as connection:
        rows = connection.execute("select state, acknowledged_by from escalation").fetchall()
    assert rows == [("acknowledged", "DS Farlow")]


@pytest.mark.parametrize(
    ("line_count", "pad"), [(1001, 0), (3000, 0), (2, 17_000_000)], ids=["lines", "ends", "bytes"]
)
def test_20_a_refused_bulk_has_an_owner_of_its_own(
    world: World, context: Context, line_count: int, pad: int
) -> None:
    """It is no refusal of its first referral, which may come again by itself and be accepted."""
    world.at("2026-12-16 10:00")
    first = sample(15) | {"grade": {**sample(15)["grade"], "level": "low"}}
    line = json.dumps(first).encode() + b" " * pad + b"\n"
    headers = world.police | {"Content-Type": "application/x-ndjson"}
    for _ in range(2):
        answer = world.client.post("/v1/referrals/bulk", content=line * line_count, headers=headers)
        assert answer.status_code == 413, answer.text
    task = the_task(world)
    assert (task["code"], task["reference"], task["referral"]) == ("refused", None, None)
    assert (task["effective_grade"], world.local(task["due_at"])) == (
        "immediate",
        "2026-12-16 11:00",
    )
    with psycopg.connect(context.settings.database_url) as connection:
        refusals = connection.execute("select publisher, size > 0 from refusal").fetchall()
        assert refusals == [("staffordshire-police", True)] * 2
        assert connection.execute("select count(*) from referral").fetchone() == (0,)
    world.routed(first)
    assert the_task(world)["id"] == task["id"]
