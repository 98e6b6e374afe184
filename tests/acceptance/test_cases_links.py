"""Cases 37 and 38: which referrals are about the same, and which only seem to be (S12, S13)."""

import json
from typing import Any

import psycopg
import pytest

from tests.acceptance.conftest import World, sample

LINKED = "linked-referral"
NHS_NUMBERS = ("9990000018", "9990000026", "9990000034")


def handed_in(world: World, document: dict[str, Any], force: str) -> dict[str, Any]:
    headers = world.headers(force, "publish")
    answer = world.client.post("/v1/referrals", json=document, headers=headers)
    assert answer.status_code == 202, answer.text
    world.drain()
    return shown(world, answer.json()["id"], force)


def shown(world: World, id_: str, force: str) -> dict[str, Any]:
    answer = world.client.get(f"/v1/referrals/{id_}", headers=world.headers(force, "publish"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def links(world: World, force: str) -> list[dict[str, Any]]:
    headers = world.headers(force, "publish")
    events = world.client.get("/v1/events", headers=headers).json()["events"]
    return [event for event in events if event["kind"] == "referral.linked"]


def codes(status: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in status["warnings"]]


def alone(reference: str, **online: Any) -> dict[str, Any]:
    """Return a referral that shares nothing with another but what is given."""
    document = sample(15)
    document["concern"] = {**document["concern"], "summary": f"Only {reference} says this."}
    document["online"] = online
    for child in document["children"]:
        child.pop("nhs_number", None)
        child.pop("address", None)
        child["area"] = "E10000028"
    return document | {"reference": reference}


def test_38_the_same_from_two_forces_is_linked_and_no_content_crosses(world: World) -> None:
    world.at("2026-12-16 10:00")
    ours, theirs = "staffordshire-police", "west-mercia-police"
    report = {"reports": [{"source": "NCMEC", "id": "100000777"}]}
    first = handed_in(world, alone("ours-1", **report), ours)
    assert codes(first).count(LINKED) == 0
    second = handed_in(world, alone("theirs-1", **report), theirs)
    assert [first["state"], second["state"]] == ["routed", "routed"]
    assert codes(second).count(LINKED) == 1
    assert codes(shown(world, first["id"], ours)).count(LINKED) == 1
    for force, own, other in ((ours, first, second), (theirs, second, first)):
        (event,) = links(world, force)
        assert event["referral"] == own["id"]
        assert event["data"] == {"same_publisher": False, "other": None}
        assert other["id"] not in json.dumps(links(world, force))


def test_s12_a_near_duplicate_of_ones_own_is_told_with_its_id(world: World) -> None:
    world.at("2026-12-16 10:00")
    force = "staffordshire-police"
    first = handed_in(world, sample(15), force)
    second = handed_in(world, sample(15) | {"reference": "again-1"}, force)
    assert codes(second).count(LINKED) == 1
    told = {event["referral"]: event["data"]["other"] for event in links(world, force)}
    assert told == {first["id"]: second["id"], second["id"]: first["id"]}


@pytest.mark.parametrize(
    "online",
    [
        {"identities": [{"id": "a", "platform": "Murmur", "username": "Quiet_Invented_Owl"}]},
        {"identities": [{"id": "a", "email": "invented.owl@example.org"}]},
        {"hashes": [{"algorithm": "sha256", "value": "ab" * 32}]},
    ],
)
def test_38_an_account_or_a_file_links_as_well(world: World, online: dict[str, Any]) -> None:
    world.at("2026-12-16 10:00")
    handed_in(world, alone("one", **online), "staffordshire-police")
    second = handed_in(world, alone("two", **online), "staffordshire-police")
    assert codes(second).count(LINKED) == 1


def test_38_agencies_that_have_both_are_told_and_no_other(world: World) -> None:
    world.at("2026-12-16 10:00")
    shared = {"identities": [{"id": "a", "platform": "Murmur", "username": "invented_owl"}]}
    force = "staffordshire-police"
    handed_in(world, alone("one", **shared), force)
    elsewhere = alone("two", **shared)
    elsewhere["children"][0]["area"] = "S12000049"
    second = handed_in(world, elsewhere, force)
    assert codes(second).count(LINKED) == 1
    (offered,) = world.collect("glasgow-sw")
    assert LINKED not in codes(offered)
    handed_in(world, alone("three", **shared), force)
    both = world.collect("staffordshire-csc")
    assert len(both) == 2
    assert all(LINKED in codes(offered) for offered in both)


def test_38_what_shares_nothing_is_not_linked(world: World) -> None:
    world.at("2026-12-16 10:00")
    for number in range(2):
        name = {"identities": [{"id": "a", "username": f"invented_{number}"}]}
        status = handed_in(world, alone(f"apart-{number}", **name), "staffordshire-police")
        assert LINKED not in codes(status)


def test_38_identifiers_are_not_stored(world: World, dsn: str) -> None:
    world.at("2026-12-16 10:00")
    shared = {"identities": [{"id": "a", "username": "invented_owl"}]}
    for number in range(2):
        handed_in(world, alone(f"n-{number}", **shared), "staffordshire-police")
    with psycopg.connect(dsn) as connection:
        marks = connection.execute("select mark, referrals from link_mark").fetchall()
    assert max(len(referrals) for _, referrals in marks) == 2
    assert all(b"invented_owl" not in mark for mark, _ in marks)


def low(reference: str, **child: Any) -> dict[str, Any]:
    document = sample(12) | {"reference": reference}
    document["children"][0].update(child)
    return document


def test_37_three_numbers_are_three_children(world: World) -> None:
    world.at("2026-12-14 10:00")
    for place, number in enumerate(NHS_NUMBERS):
        status = world.routed(low(f"low-{place}", nhs_number=number))
        assert status["state"] == "routed", status["faults"]
        assert "third-low" not in codes(status)


def test_37_the_real_name_as_an_alias_is_recognised(world: World) -> None:
    world.at("2026-12-14 10:00")
    child = sample(12)["children"][0]
    real = f"{child['given_name']} {child['family_name']}"
    for place in range(2):
        changes = {"nhs_number": {"unknown": "not_yet_known"}}
        assert "third-low" not in codes(world.routed(low(f"low-{place}", **changes)))
    nickname = {
        "given_name": "Nickname",
        "aliases": [real],
        "nhs_number": {"unknown": "not_yet_known"},
    }
    assert "third-low" in codes(world.routed(low("low-3", **nickname)))
