"""The acceptance cases about where people are: what exists, who serves it, and what is abroad."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.flow.context import Context
from broker.policy.published.policy import documents_from
from broker.shipped import POLICY
from tests.acceptance.conftest import World

STAFFORD = "E07000197"
STAFFORDSHIRE = "E10000028"
STOKE = "E06000021"
BIRMINGHAM = "E08000025"
CHILD: dict[str, Any] = {
    "id": "c",
    "given_name": "Testa",
    "family_name": "Invented",
    "date_of_birth": "2017-06-01",
    "sex": "female",
    "ethnicity": {"code": "WBRI", "basis": "self_defined"},
    "disability": ["NONE"],
    "language": "English",
    "missing": {"status": "not_missing"},
    "voice": {"said": "I am fine."},
}
SUSPECT: dict[str, Any] = {
    "id": "suspect-1",
    "given_name": "Sus",
    "family_name": "Pected",
    "date_of_birth": "1980-01-01",
    "sex": "male",
    "area": STAFFORDSHIRE,
}


def referral(*children: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "schema": "referral/1",
        "reference": "PLACES/1",
        "referrer": {
            "name": "DC Test Officer",
            "role": "Detective Constable",
            "email": "t.officer@example.org",
            "telephone": "01632 960155",
            "occurrence_reference": "OCC1",
        },
        "times": {"first_known_at": "2026-12-16T09:00:00Z"},
        "grade": {"level": "immediate", "reason": "Invented."},
        "children": [copy.deepcopy(child) for child in children],
        "concern": {"category": "grooming", "summary": "Invented summary."},
        **changes,
    }


def handed_in(world: World, document: dict[str, Any]) -> dict[str, Any]:
    world.at("2026-12-16 10:00")
    return world.routed(document)


def agencies(status: dict[str, Any]) -> set[str]:
    return {delivery["agency"] for delivery in status["deliveries"]}


def warnings(status: dict[str, Any]) -> set[tuple[str, str]]:
    return {(warning["code"], warning["pointer"]) for warning in status["warnings"]}


def test_21_a_council_that_the_directory_does_not_list_waits_for_ops(world: World) -> None:
    status = handed_in(world, referral(CHILD | {"area": BIRMINGHAM}))
    assert (status["state"], status["reason"]) == ("unroutable", "no_recipient")
    assert world.local(status["attend_by"]) == "2026-12-16 11:00"
    waiting = world.client.get("/v1/attention", headers=world.headers("ops", "ops"))
    assert status["id"] in waiting.text


def test_21_with_the_directory_mended_it_is_routed_and_keeps_its_clock(
    world: World, context: Context
) -> None:
    status = handed_in(world, referral(CHILD | {"area": BIRMINGHAM}))
    documents = documents_from(POLICY)
    mended = documents["directory.yaml"].replace(
        "areas: [E06000021]", f"areas: [E06000021, {BIRMINGHAM}]"
    )
    now = datetime(2026, 12, 16, 10, 30, tzinfo=UTC)
    mended_documents = documents | {"directory.yaml": mended}
    publish(context.ledger, mended_documents, now=now, channels=CHANNELS.forms)
    context.policies._fresh_until = 0.0
    world.at("2026-12-16 11:30")
    again = world.client.post(
        f"/v1/referrals/{status['id']}/reroute", headers=world.headers("ops", "ops")
    )
    assert again.status_code == 202, again.text
    world.drain()
    routed = world.status(status)
    assert world.legs(routed)["stoke-csc"][0] == "2026-12-16 11:00"


def test_22_a_workplace_nobody_serves_does_not_hold_up_the_child(world: World) -> None:
    role = {"kind": "employment", "title": "Teacher", "area": BIRMINGHAM}
    suspect = SUSPECT | {"roles": [role | {"works_with_children": True}]}
    child = CHILD | {"area": STAFFORDSHIRE}
    status = handed_in(world, referral(child, persons_posing_risk=[suspect]))
    assert status["state"] == "routed"
    assert agencies(status) == {"staffordshire-csc"}
    assert ("no-recipient", "/persons_posing_risk/0/roles/0") in warnings(status)


def test_22_a_sibling_nobody_serves_does_not_hold_up_the_other(world: World) -> None:
    here, there = CHILD | {"area": STAFFORDSHIRE}, CHILD | {"id": "d", "area": BIRMINGHAM}
    status = handed_in(world, referral(there, here))
    assert status["state"] == "routed"
    assert agencies(status) == {"staffordshire-csc"}
    assert ("no-recipient", "/children/0") in warnings(status)


@pytest.mark.parametrize(
    ("place", "agency"),
    [
        ({"area": STAFFORD}, "staffordshire-csc"),
        ({"area": " e07000197 "}, "staffordshire-csc"),
        ({"address": {"postcode": "ST16 2LH"}}, "staffordshire-csc"),
        ({"address": {"postcode": "st4 1aa"}}, "stoke-csc"),
        ({"address": {"postcode": "ST16"}}, "staffordshire-csc"),
        ({"area": "S12000046"}, "glasgow-sw"),
    ],
)
def test_23_district_postcode_and_former_code_give_the_council(
    world: World, place: dict[str, Any], agency: str
) -> None:
    status = handed_in(world, referral(CHILD | place))
    assert status["state"] == "routed"
    assert agencies(status) == {agency}
    assert status["warnings"] == []


def test_23_a_postcode_and_a_code_that_disagree_are_both_shown(world: World) -> None:
    child = CHILD | {"area": STOKE, "address": {"postcode": "ST16 2LH"}}
    status = handed_in(world, referral(child))
    assert agencies(status) == {"stoke-csc"}
    (warning,) = status["warnings"]
    assert (warning["code"], warning["pointer"]) == ("area-disagrees", "/children/0/area")
    assert STOKE in warning["message"]
    assert STAFFORDSHIRE in warning["message"]


@pytest.mark.parametrize("postcode", ["ZZ1 1AA", "S1"])
def test_23_a_postcode_that_gives_no_area_waits_for_ops(world: World, postcode: str) -> None:
    address = {"lines": ["1 Invented Road"], "postcode": postcode, "uprn": "3455000001"}
    status = handed_in(world, referral(CHILD | {"address": address}))
    assert (status["state"], status["reason"]) == ("unroutable", "no_area")
    assert ("no-recipient", "/children/0") in warnings(status)


@pytest.mark.parametrize("postcode", ["BFPO 9999", "BF1 0AA", "ZZ1"])
def test_19_a_postcode_of_an_unusual_form_costs_nothing(world: World, postcode: str) -> None:
    child = CHILD | {"area": STAFFORDSHIRE, "address": {"postcode": postcode}}
    status = handed_in(world, referral(child))
    assert agencies(status) == {"staffordshire-csc"}


@pytest.mark.parametrize(
    "place",
    [
        {"area": "M83000003"},
        {"address": {"country": "im"}},
        {"address": {"postcode": "IM1 1AA"}},
        {"address": {"postcode": "BFPO 12"}},
    ],
)
def test_the_isle_of_man_and_bfpo_are_places_that_nobody_serves_here(
    world: World, place: dict[str, Any]
) -> None:
    status = handed_in(world, referral(CHILD | place))
    assert (status["state"], status["reason"]) == ("unroutable", "no_recipient")


def test_32_a_child_abroad_is_the_national_agencys_at_once(world: World) -> None:
    child = {"id": "c", "approximate_age": 9, "address": {"country": "PH"}}
    livestream = {"category": "livestreaming", "summary": "Invented."}
    document = referral(child, concern=livestream, persons_posing_risk=[SUSPECT])
    status = handed_in(world, document)
    assert status["state"] == "routed"
    assert agencies(status) == {"nca"}
    assert ("child-abroad", "/children/0") in warnings(status)


def test_32_no_council_leads_for_a_child_who_may_be_abroad(world: World) -> None:
    unknown = {"id": "abroad", "approximate_age": 9}
    own = CHILD | {"id": "own", "area": STAFFORDSHIRE, "lives_with": ["suspect-1"]}
    livestream = {"category": "livestreaming", "summary": "Invented."}
    document = referral(unknown, own, concern=livestream, persons_posing_risk=[SUSPECT])
    status = handed_in(world, document)
    assert agencies(status) == {"staffordshire-csc", "nca"}
    assert ("child-abroad", "/children/0") in warnings(status)
    (delivery,) = world.collect("staffordshire-csc")
    assert [child["id"] for child in delivery["content"]["children"]] == ["own"]


def test_32_a_child_abroad_without_a_stream_is_told_to_the_national_agency_too(
    world: World,
) -> None:
    child = CHILD | {"address": {"lines": ["1 Invented Street"], "country": "fr"}}
    status = handed_in(world, referral(child))
    assert agencies(status) == {"nca"}
    (delivery,) = world.collect("nca")
    assert delivery["content"]["children"][0]["given_name"] == "Testa"


def test_a_police_force_is_another_where_the_district_is_in_its_area(world: World) -> None:
    suspect = SUSPECT | {"area": "E06000051"}
    child = CHILD | {"area": STAFFORDSHIRE}
    status = handed_in(world, referral(child, persons_posing_risk=[suspect]))
    assert agencies(status) == {"staffordshire-csc", "west-mercia-police"}
