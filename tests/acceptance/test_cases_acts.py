"""Cases of redirects and recalls, through the public API."""

from typing import Any

import pytest

from tests.acceptance.conftest import World, sample


@pytest.fixture
def ops(world: World) -> dict[str, str]:
    return world.headers("ops", "ops")


def returned(world: World, document: dict[str, Any], agency: str) -> dict[str, Any]:
    """Route a document and have an agency return its delivery; return the delivery."""
    status = world.routed(document)
    (delivery,) = [item for item in world.collect(agency) if item["referral"] == status["id"]]
    world.answer(
        agency, delivery=delivery["delivery"], stage="returned", by="A. Worker", reason="not_ours"
    )
    return delivery


def redirect(world: World, ops: dict[str, str], delivery: dict[str, Any], **to: str) -> Any:
    path = f"/v1/deliveries/{delivery['delivery']}/reroute"
    preview = world.client.post(f"{path}/preview", json=to, headers=ops)
    answer = world.client.post(path, json=to, headers=ops)
    assert preview.status_code == answer.status_code
    if answer.status_code != 200:
        assert preview.json()["errors"] == answer.json()["errors"]
    return answer


def reason(answer: Any) -> str:
    assert answer.status_code == 409, answer.text
    (fault,) = answer.json()["errors"]
    assert fault["message"]
    assert answer.json()["next_step"]
    return fault["code"]


def with_embargo(document: dict[str, Any], until: str) -> dict[str, Any]:
    embargo = {"until": until, "reason": "An arrest.", "no_contact_with": ["school"]}
    return {**document, "handling": {**document.get("handling", {}), "embargo": embargo}}


@pytest.mark.parametrize("agency", ["school-900001", "nca", "staffordshire-lado"])
def test_35_social_cares_part_goes_to_no_other_kind(
    world: World, ops: dict[str, str], agency: str
) -> None:
    world.at("2027-04-07 10:00")
    delivery = returned(world, sample(2), "staffordshire-csc")
    assert reason(redirect(world, ops, delivery, agency=agency)) == "wrong-kind"
    assert world.collect(agency) == []


def test_35_before_it_is_confirmed_it_says_who_will_see_what_by_when(
    world: World, ops: dict[str, str]
) -> None:
    world.at("2027-04-07 10:00")
    delivery = returned(world, sample(2), "staffordshire-csc")
    path = f"/v1/deliveries/{delivery['delivery']}/reroute/preview"
    preview = world.client.post(path, json={"area": "E06000051"}, headers=ops).json()
    assert world.collect("shropshire-csc") == []
    assert (preview["agency"], preview["view"]) == ("shropshire-csc", "social-care")
    assert redirect(world, ops, delivery, agency=preview["agency"]).status_code == 200
    (received,) = world.collect("shropshire-csc")
    assert received["view"] == preview["view"]
    assert received["deadlines"] == preview["deadlines"]
    assert {child["id"] for child in received["content"]["children"]} == set(preview["children"])
    shown = {part.partition(":")[0].replace(" ", "_") for part in preview["shows"]}
    assert {"handling", *received["content"]} <= shown


def test_35_a_recalled_referrals_part_is_not_redirected(world: World, ops: dict[str, str]) -> None:
    world.at("2027-04-07 10:00")
    delivery = returned(world, sample(2), "staffordshire-csc")
    recall(world, delivery["referral"])
    assert reason(redirect(world, ops, delivery, agency="shropshire-csc")) == "recalled"
    assert world.collect("shropshire-csc") == []


def test_35_a_school_under_an_embargo_gets_nothing(world: World, ops: dict[str, str]) -> None:
    """The school returns; a correction brings an embargo; another school is named."""
    world.at("2026-12-22 10:00")
    document = sample(5)
    delivery = returned(world, document, "school-900001")
    corrected = with_embargo(document, "2027-01-04T12:00:00+00:00")
    answer = world.client.post(
        f"/v1/referrals/{delivery['referral']}/corrections", json=corrected, headers=world.police
    )
    assert answer.status_code == 202, answer.text
    assert reason(redirect(world, ops, delivery, agency="school-900002")) == "embargo"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"handling": {"do_not_disclose_to": ["School-900002"]}}, "not-disclosed"),
        ({"workplace": True}, "suspect-at-recipient"),
    ],
)
def test_35_whom_the_referral_forbids_is_not_told(
    world: World, ops: dict[str, str], changes: dict[str, Any], code: str
) -> None:
    world.at("2026-12-22 10:00")
    document = sample(5)
    if handling := changes.get("handling"):
        document["handling"] = {**document.get("handling", {}), **handling}
    else:
        role = {"kind": "employment", "organisation": "ORCHARD DRIFT primary"}
        document["persons_posing_risk"][0].setdefault("roles", []).append(role)
    delivery = returned(world, document, "school-900001")
    assert reason(redirect(world, ops, delivery, agency="school-900002")) == code


def recall(world: World, referral: str) -> dict[str, Any]:
    answer = world.client.post(
        f"/v1/referrals/{referral}/recall",
        json={"reason": "wrong_person", "by": "DS Farlow"},
        headers=world.police,
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_36_a_recall_tells_each_agency_that_had_it_and_no_other_before_any_worker_runs(
    world: World,
) -> None:
    world.at("2026-12-22 10:00")
    status = world.routed(sample(5))
    (had,) = world.collect("school-900001")
    recall(world, status["id"])
    (told,) = world.collect("school-900001")
    assert (told["kind"], told["follows"], told["content"]) == ("recall", had["delivery"], {})
    agencies = {delivery["agency"] for delivery in status["deliveries"]}
    for agency in agencies - {"school-900001", "stoke-csc"}:  # a copy is in the queue of Stoke
        assert world.collect(agency) == []
    assert [item["kind"] for item in world.collect("stoke-csc")] == ["recall"]
    world.drain()
    for delivery in status["deliveries"]:
        assert world.collect(delivery["agency"]) == []


@pytest.mark.parametrize("stage", ["decided", "returned", "acknowledged", "collected"])
def test_36_whatever_was_answered_nothing_of_it_is_shown_again(world: World, stage: str) -> None:
    world.at("2027-04-07 10:00")
    status = world.routed(sample(2))
    (had,) = world.collect("staffordshire-csc")
    words = {"decided": {"outcome": "assessment"}, "returned": {"reason": "not_ours"}}
    world.answer(
        "staffordshire-csc",
        delivery=had["delivery"],
        stage=stage,
        by="A. Worker",
        **words.get(stage, {}),
    )
    recall(world, status["id"])
    headers = world.headers("staffordshire-csc", "collect")
    shown = world.client.get(f"/v1/deliveries/{had['delivery']}", headers=headers).json()
    assert (shown["content"], shown["handling"], shown["warnings"]) == ({}, {}, [])
