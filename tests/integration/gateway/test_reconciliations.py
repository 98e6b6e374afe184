"""A publisher's list of a day is compared with what was handed in."""

from typing import Any

from tests.acceptance.conftest import World, sample

DAY = "2027-04-06"


def compared(world: World, *references: str, day: str = DAY, status: int = 200) -> dict[str, Any]:
    sent = {"day": day, "references": list(references)}
    answer = world.client.post("/v1/reconciliations", json=sent, headers=world.police)
    assert answer.status_code == status, answer.text
    return answer.json()


def unreferred(world: World) -> list[dict[str, Any]]:
    feed = world.client.get("/v1/events", headers=world.police).json()["events"]
    return [event["data"] for event in feed if event["kind"] == "organisation.unreferred"]


def test_what_has_no_referral_is_told_and_the_last_list_of_a_day_counts(world: World) -> None:
    world.routed(sample(12))
    about_nobody = ("children", "persons_posing_risk", "concern", "household", "online")
    wrong = {name: value for name, value in sample(13).items() if name not in about_nobody}
    assert world.routed(wrong)["state"] == "rejected"
    listed = ["SP-2026-0012", " 2126 0012", wrong["reference"], "21269999", "21269999"]
    done = compared(world, *listed)
    assert (done["listed"], done["referred"]) == (4, 2)
    assert done["missing"] == ["21269999"]
    assert done["rejected"] == [wrong["reference"]]
    assert compared(world, *listed) | {"at": ""} == done | {"at": ""}
    assert [day["count"] for day in unreferred(world)] == [2]
    assert compared(world, "21260012")["missing"] == []
    assert [day["count"] for day in unreferred(world)] == [2, 0]


def test_ops_see_it_and_another_force_does_not(world: World) -> None:
    compared(world, "21269999")
    attention = world.client.get("/v1/attention", headers=world.headers("ops", "ops")).json()
    (shown,) = attention["unreferred"]
    assert (shown["publisher"], shown["missing"]) == ("staffordshire-police", 1)
    mine = world.client.get("/v1/reconciliations", headers=world.police).json()
    assert [reconciliation["missing"] for reconciliation in mine["reconciliations"]] == [
        ["21269999"]
    ]
    theirs = world.headers("west-mercia-police", "publish")
    results = world.client.get("/v1/reconciliations", headers=theirs).json()
    assert results == {"reconciliations": []}


def test_another_forces_referral_is_none_of_ours(world: World) -> None:
    theirs = world.headers("west-mercia-police", "publish")
    world.client.post("/v1/referrals", json=sample(12), headers=theirs)
    assert compared(world, "21260012", "SP-2026-0012")["referred"] == 0


def test_a_list_may_have_five_thousand_and_no_more(world: World) -> None:
    assert compared(world, *(f"r{n}" for n in range(5000)))["listed"] == 5000
    compared(world, *(f"r{n}" for n in range(5001)), status=400)


def test_a_day_that_has_not_come_is_refused(world: World) -> None:
    problem = compared(world, "x", day="2027-05-01", status=422)
    assert [error["code"] for error in problem["errors"]] == ["date-in-future"]
    compared(world, "x", day="2027-02-31", status=422)
