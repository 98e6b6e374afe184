"""Every act of ops over HTTP stands in the evidence with the key that acted, and the name given."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from broker.domain.codes import Right, Scope
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.gateway.calls import CALLS
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases_acts import returned
from tests.directory_rows import entries
from tests.rows import rows

OFFICE = "staffordshire-csc"
NAME, COLLEAGUE = "Jo Example", "Sam Example"
BY = {"by": NAME}
WHY = {"reason": "They rang us."}
ACTS_NOTHING = {"previewRedirect", "previewRelease", "previewSuspension"}
EVIDENCE = """
select actor from event where id > %s
union all select by from act where at >= %s
union all select began_by from stop
union all select ended_by from stop where ended_by is not null
union all select settled_by from task where state = 'settled'
union all select planned_by from replay
union all select started_by from replay where started_by is not null
"""
Act = tuple[str, dict[str, Any]]
"""What a call is made with: its path after /v1, and its body."""


def unroutable(world: World) -> str:
    receipt = world.hand_in(sample(10))
    world.drain()
    return str(receipt["id"])


def held(world: World) -> str:
    world.at("2026-12-14 10:00")
    (delivery,) = [d for d in world.routed(sample(7))["deliveries"] if d["state"] == "held"]
    return f"/deliveries/{delivery['id']}/hold"


def taken(world: World) -> str:
    """Return a delivery whose clock may be paused."""
    world.at("2026-12-22 10:00")
    agency = "staffordshire-lado"
    (lado,) = [d for d in world.routed(sample(5))["deliveries"] if d["agency"] == agency]
    world.answer(agency, stage="acknowledged", delivery=lado["id"], by="A. Officer")
    return f"/deliveries/{lado['id']}"


def give_areas(world: World, ops: dict[str, str]) -> Act:
    (child,) = sample(10)["children"]
    return f"/referrals/{unroutable(world)}/areas", {"areas": {child["id"]: "E06000021"}}


def redirect(world: World, ops: dict[str, str]) -> Act:
    world.at("2026-12-22 10:00")
    delivery = returned(world, sample(5), "school-900001")
    return f"/deliveries/{delivery['delivery']}/reroute", {"agency": "school-900002"}


def extend(world: World, ops: dict[str, str]) -> Act:
    return f"{held(world)}/extend", BY | WHY | {"until": "2026-12-18T12:00:00Z"}


def resume_clock(world: World, ops: dict[str, str]) -> Act:
    path = taken(world)
    reason = {"reason": "information_requested"}
    assert world.client.post(f"/v1{path}/pause", json=reason, headers=ops).is_success
    return f"{path}/resume", {}


def acknowledge(world: World, ops: dict[str, str]) -> Act:
    world.at("2026-12-22 10:00")
    world.routed(sample(2))
    world.at("2026-12-22 18:00")
    world.watch()
    listed = world.client.get("/v1/escalations", headers=ops).json()["escalations"]
    return f"/escalations/{listed[0]['id']}/acknowledge", BY


def release(world: World, ops: dict[str, str]) -> Act:
    path, body = acknowledge(world, ops)
    assert world.client.post(f"/v1{path}", json=body, headers=ops).is_success
    return path.replace("acknowledge", "release"), BY


def hand_over(world: World, ops: dict[str, str]) -> Act:
    path, _ = release(world, ops)
    return path.replace("release", "hand-over"), BY | {"to": COLLEAGUE}


def settle(world: World, ops: dict[str, str]) -> Act:
    world.at("2026-12-22 10:00")
    headers = world.police | {"Content-Type": "application/json"}
    assert world.client.post("/v1/referrals", content=b"{", headers=headers).status_code == 400
    (task,) = world.client.get("/v1/attention", headers=ops).json()["task"]
    return f"/tasks/{task['id']}/settle", BY | WHY


def suspend(world: World, ops: dict[str, str]) -> Act:
    return f"/agencies/{OFFICE}/suspend", BY | WHY


def resume(world: World, ops: dict[str, str]) -> Act:
    path, body = suspend(world, ops)
    assert world.client.post(f"/v1{path}", json=body, headers=ops).is_success
    return f"/agencies/{OFFICE}/resume", body


def plan(world: World, ops: dict[str, str]) -> Act:
    return "/replays", BY | {"per_minute": 60}


def start(world: World, ops: dict[str, str]) -> Act:
    path, body = plan(world, ops)
    planned = world.client.post(f"/v1{path}", json=body, headers=ops).json()
    return f"/replays/{planned['id']}/start", BY | WHY | {"count": planned["planned"]}


def change(world: World, ops: dict[str, str]) -> Act:
    entry = {**entries()[OrganisationCode(OFFICE)], "name": "Renamed"}
    return f"/organisations/{OFFICE}", BY | WHY | {"entry": entry}


ACTS: dict[str, Callable[[World, dict[str, str]], Act]] = {
    "addAreas": give_areas,
    "retryRouting": lambda world, ops: (f"/referrals/{unroutable(world)}/reroute", {}),
    "redirectDelivery": redirect,
    "releaseHold": lambda world, ops: (f"{held(world)}/release", BY | WHY),
    "keepHold": lambda world, ops: (f"{held(world)}/keep", BY | WHY),
    "extendHold": extend,
    "pauseClocks": lambda world, ops: (
        f"{taken(world)}/pause",
        {"reason": "information_requested"},
    ),
    "resumeClocks": resume_clock,
    "acknowledgeEscalation": acknowledge,
    "releaseEscalation": release,
    "handOverEscalation": hand_over,
    "settleTask": settle,
    "suspendAgency": suspend,
    "resumeAgency": resume,
    "planReplay": plan,
    "startReplay": start,
    "changeOrganisation": change,
    "patchOrganisation": lambda world, ops: (
        f"/organisations/{OFFICE}",
        BY | WHY | {"entry": {"name": "Renamed"}},
    ),
}
"""How each call that acts is made, by its id in the table of calls."""


def acting() -> Iterator[str]:
    """Yield the id of each call with which ops change something."""
    for call in CALLS:
        if call.method != "GET" and Scope.OPS in call.scopes:
            yield call.id


def test_every_call_of_ops_that_acts_is_looked_at() -> None:
    assert set(acting()) - ACTS_NOTHING == set(ACTS)


@pytest.mark.parametrize("call", ACTS)
def test_the_key_that_acted_stands_in_the_evidence(
    context: Context, world: World, call: str
) -> None:
    """So no name that somebody types stands for the credential, which alone was proved."""
    context.ledger.people.add_person(
        context.new_id(), COLLEAGUE, [Right.VIEW, Right.ACT], subject=None, now=context.clock()
    )
    ops = world.headers("ops", "ops")
    ((key,),) = rows(context, "select id from credential where 'ops' = any(scopes)")
    path, body = ACTS[call](world, ops)
    ((last,),) = rows(context, "select coalesce(max(id), 0) from event")
    world.clock.advance(seconds=1)
    (row,) = [row for row in CALLS if row.id == call]
    headers = {**ops, "If-Match": '"0.0"', "Content-Type": row.takes_media_type}
    answer = world.client.request(row.method, f"/v1{path}", json=body, headers=headers)
    assert answer.is_success, answer.text
    expected = f"key:{key} person:{NAME}" if "by" in body else f"key:{key}"
    evidence = rows(context, EVIDENCE, last, context.clock())
    assert evidence
    assert {actor for (actor,) in evidence} == {expected}
