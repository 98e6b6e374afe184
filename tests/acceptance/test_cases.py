"""The acceptance cases: sample referral, shipped policy, fixed clock, public API.

Times are local (Europe/London). Each test is one case, and says in its name what must hold.
"""

import copy
import hashlib
import json
from typing import Any

from tests.acceptance.conftest import World, sample


def leg(status: dict, agency: str) -> dict:
    (found,) = [delivery for delivery in status["deliveries"] if delivery["agency"] == agency]
    return found


def collected(world: World, agency: str) -> dict:
    (found,) = world.collect(agency)
    return found


def text(value: object) -> str:
    return json.dumps(value)


def test_01_working_hours_run_on_over_the_weekend(world: World) -> None:
    world.at("2026-12-18 16:50")
    status = world.routed(sample(1))
    assert status["state"] == "routed"
    assert world.legs(status) == {"stoke-csc": ("2026-12-21 12:50", "2026-12-21 17:00")}
    assert leg(status, "stoke-csc")["explanation"]["sentence"]


def test_02_out_of_hours_it_goes_to_the_emergency_duty_team(world: World) -> None:
    world.at("2026-12-24 18:30")
    status = world.routed(sample(2))
    legs = world.legs(status)
    assert legs["staffordshire-edt"] == ("2026-12-24 22:30", "2026-12-29 17:00")
    assert "staffordshire-csc" not in legs


def test_03_siblings_in_two_areas_and_neither_council_sees_the_others_child(world: World) -> None:
    world.at("2027-03-25 16:00")
    document = sample(3)
    status = world.routed(document)
    due = ("2027-03-30 17:00", "2027-03-30 17:00")
    stoke = [delivery for delivery in status["deliveries"] if delivery["agency"] == "stoke-csc"]
    assert {delivery["role"] for delivery in stoke} == {"lead", "copy"}
    assert leg(status, "shropshire-csc")["role"] == "lead"
    assert world.legs(status)["shropshire-csc"] == due
    (lead,) = [delivery for delivery in stoke if delivery["role"] == "lead"]
    assert (
        world.local(lead["deadlines"]["acknowledge_by"]),
        world.local(lead["deadlines"]["decide_by"]),
    ) == due
    shropshire = collected(world, "shropshire-csc")
    in_stoke, in_shropshire = document["children"]
    assert in_shropshire["given_name"] in text(shropshire["content"])
    assert in_stoke["given_name"] not in text(shropshire["content"])


def test_04_easter_monday_is_no_bank_holiday_in_scotland(world: World) -> None:
    world.at("2027-03-25 16:00")
    legs = world.legs(world.routed(sample(4)))
    assert legs["glasgow-sw"] == ("2027-03-29 17:00", "2027-03-29 17:00")


def test_05_a_teacher_the_officer_of_the_workplace_and_the_school(world: World) -> None:
    world.at("2026-12-22 10:00")
    document = sample(5)
    status = world.routed(document)
    legs = world.legs(status)
    assert legs["stoke-csc"][0] == "2026-12-22 14:00"
    assert legs["staffordshire-lado"] == ("2026-12-23 17:00", "2026-12-29 17:00")
    assert legs["school-900001"] == ("2026-12-23 08:30", None)
    assert "stoke-lado" not in legs
    content = text(collected(world, "school-900001")["content"])
    for person in document["persons_posing_risk"]:
        assert person["family_name"] not in content
        assert person.get("offence_history", "no history") not in content
    for event in document.get("online", {}).get("ip_events", []):
        assert event["address"] not in content


def test_06_a_missing_child_raises_the_grade_and_both_are_kept(world: World) -> None:
    world.at("2026-12-14 07:00")
    status = world.routed(sample(6))
    assert (status["grade"], status["effective_grade"]) == ("low", "very_high")
    assert world.legs(status)["staffordshire-edt"][0] == "2026-12-14 11:00"


def test_07_an_embargo_holds_the_school_and_never_social_care(world: World) -> None:
    world.at("2026-12-14 10:00")
    document = sample(7)
    status = world.routed(document)
    (school,) = [
        delivery for delivery in status["deliveries"] if delivery["agency"].startswith("school-")
    ]
    assert school["state"] == "held"
    until = document["handling"]["embargo"]["until"]
    assert world.local(school["clock_start"]) == world.local(until)
    assert school["explanation"]["hold"]["until"]
    (care,) = [delivery for delivery in status["deliveries"] if delivery["agency"].endswith("-csc")]
    assert care["state"] in {"available", "leased"}
    if care["agency"] != "stoke-csc":
        offered = collected(world, care["agency"])
        assert list(offered).index("handling") < list(offered).index("content")
        assert offered["handling"]["embargo"]["call_first"]


def test_08_a_managed_offender_is_known_to_probation(world: World) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(sample(8))
    probation = leg(status, "probation-west-midlands")
    assert world.local(probation["deadlines"]["acknowledge_by"]) == "2026-12-17 10:00"


def test_09_a_suspect_of_fifteen_is_a_child_first(world: World) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(sample(9))
    agencies = [delivery["agency"] for delivery in status["deliveries"]]
    assert not [agency for agency in agencies if agency.startswith("probation")]
    (care,) = {agency for agency in agencies if agency.endswith("-csc") and agency != "stoke-csc"}
    content = collected(world, care)["content"]
    assert content["children_alleged_to_have_harmed"]
    assert not content.get("persons_posing_risk")


def test_10_without_an_area_it_waits_for_ops_and_the_clock_keeps_its_start(world: World) -> None:
    world.at("2026-12-16 10:00")
    document = sample(10)
    status = world.routed(document)
    assert status["state"] == "unroutable"
    assert status["reason"] == "no_area"
    assert world.local(status["attend_by"]) == "2026-12-16 11:00"
    feed = world.client.get("/v1/events", headers=world.police).json()["events"]
    assert "referral.unroutable" in [event["kind"] for event in feed]
    ops = world.headers("ops", "ops")
    waiting = world.client.get("/v1/attention", headers=ops)
    assert status["id"] in waiting.text
    world.clock.advance(minutes=30)
    local = (document.get("children") or document["persons_posing_risk"])[0]["id"]
    given = world.client.post(
        f"/v1/referrals/{status['id']}/areas", json={"areas": {local: "E10000028"}}, headers=ops
    )
    assert given.status_code in {200, 202}, given.text
    world.drain()
    status = world.status(status)
    assert status["state"] == "routed"
    starts = {world.local(delivery["clock_start"]) for delivery in status["deliveries"]}
    assert starts == {"2026-12-16 10:00"}


def test_11_blank_boxes_do_not_stop_a_high_one(world: World) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(sample(11))
    assert status["state"] == "routed"
    codes = {defect["code"] for defect in status["defects"]}
    assert {"missing-ethnicity", "missing-disability", "missing-voice"} <= codes
    (care,) = [
        delivery["agency"]
        for delivery in status["deliveries"]
        if delivery["agency"].endswith("-csc")
    ]
    if care != "stoke-csc":
        assert {d["code"] for d in collected(world, care)["defects"]} == codes


def test_12_facts_that_contradict_the_grade_are_told_to_both(world: World) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(sample(12))
    assert (status["state"], status["effective_grade"]) == ("routed", "low")
    assert "grade-contradiction" in [warning["code"] for warning in status["warnings"]]
    (care,) = [
        delivery["agency"]
        for delivery in status["deliveries"]
        if delivery["agency"].endswith("-csc")
    ]
    if care != "stoke-csc":
        warnings = collected(world, care)["warnings"]
        assert "grade-contradiction" in [warning["code"] for warning in warnings]


def test_13_a_faulty_field_is_set_aside_or_told_at_once_as_the_publisher_prefers(
    world: World,
) -> None:
    world.at("2026-12-16 10:00")
    wrong = sample(13)
    faulty = {"nhs-number-check-digit", "date-in-future", "unknown-field", "unknown-area"}
    strict = world.police | {"Prefer": "handling=strict"}
    refused = world.client.post("/v1/referrals", json=wrong, headers=strict)
    assert refused.status_code == 422
    assert faulty <= {fault["code"] for fault in refused.json()["errors"]}
    corrected = sample(15) | {"reference": wrong["reference"]}
    assert world.routed(corrected)["state"] == "routed"
    status = world.routed(wrong | {"reference": "SP-2026-0013-LENIENT"})
    assert status["state"] == "unroutable"
    treated = [defect for defect in status["defects"] if "treatment" in defect]
    assert faulty <= {defect["code"] for defect in treated}
    assert all(defect["pointer"].startswith("/") for defect in treated)


def test_14_a_picture_is_refused_and_not_kept(world: World) -> None:
    body = json.dumps(sample(14)).encode()
    headers = world.police | {"Content-Type": "application/json"}
    answer = world.client.post("/v1/referrals", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "prohibited-content"
    refusals = world.client.get("/v1/refusals", headers=world.police).json()
    assert hashlib.sha256(body).hexdigest() in text(refusals)
    reference = {"reference": sample(14)["reference"]}
    found = world.client.get("/v1/referrals", params=reference, headers=world.police)
    assert found.status_code == 404


def test_15_the_same_twice_is_one_and_other_content_changes_nothing(world: World) -> None:
    document = sample(15)
    first, again = world.hand_in(document), world.hand_in(document)
    assert again["duplicate"] is True
    assert again["id"] == first["id"]
    other = copy.deepcopy(document)
    other["concern"]["summary"] = "Something else."
    answer = world.client.post("/v1/referrals", json=other, headers=world.police)
    assert answer.status_code == 409
    assert answer.json()["code"] == "reference-conflict"
    assert world.status(first)["digest"] == first["digest"]


def test_16_the_third_low_in_ninety_days_is_flagged(world: World) -> None:
    world.at("2026-12-14 10:00")
    told = []
    for number in range(3):
        status = world.routed(sample(12) | {"reference": f"third-{number}"})
        told.append(
            [warning["message"] for warning in status["warnings"] if warning["code"] == "third-low"]
        )
    assert [len(warnings) for warnings in told] == [0, 0, 1]
    assert "3rd referral graded low" in told[2][0]
    feed = world.client.get("/v1/events", headers=world.police).json()["events"]
    (event,) = [event for event in feed if event["kind"] == "referral.third_low"]
    assert event["referral"] == status["id"]
    assert event["data"] == {"child": "child-1", "count": 3, "earlier": ["third-0", "third-1"]}
    offered = {delivery["referral"]: delivery for delivery in world.collect("staffordshire-csc")}
    assert told[2][0] in [warning["message"] for warning in offered[status["id"]]["warnings"]]


def test_17_returned_for_the_wrong_area_it_goes_on_and_the_clock_keeps_its_start(
    world: World,
) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(sample(17))
    first = leg(status, "stoke-csc")
    world.clock.advance(minutes=45)
    result = world.answer(
        "stoke-csc",
        delivery=first["id"],
        stage="returned",
        by="Duty worker",
        reason="wrong_area",
        area="E06000051",
    )
    assert result["result"] == "recorded"
    status = world.status(status)
    successor = leg(status, "shropshire-csc")
    assert successor["replaces"] == first["id"]
    assert successor["clock_start"] == first["clock_start"]
    assert successor["deadlines"] == first["deadlines"]
    offered = collected(world, "shropshire-csc")
    assert offered["reference"] == status["reference"]
    assert "gave it back" in offered["why"]


def test_17_two_agencies_that_each_name_the_others_area_leave_it_to_ops(world: World) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(sample(17))
    to_and_fro = (("stoke-csc", "E06000051"), ("shropshire-csc", "E06000021"))
    for agency, area in to_and_fro:
        returned = {"stage": "returned", "by": "Duty worker", "reason": "wrong_area", "area": area}
        delivery = leg(world.status(status), agency)
        assert world.answer(agency, delivery=delivery["id"], **returned)["result"] == "recorded"
    legs = [(leg_["agency"], leg_["state"]) for leg_ in world.status(status)["deliveries"]]
    assert sorted(legs) == [("shropshire-csc", "returned"), ("stoke-csc", "returned")]
    ops = world.headers("ops", "ops")
    waiting = world.client.get("/v1/attention", headers=ops).json()["returned"]
    assert [line["agency"] for line in waiting] == ["shropshire-csc"]


def test_18_silence_is_alarmed_and_nothing_expires(world: World) -> None:
    """Four working hours from Friday 16:50: half of them are gone on Monday at 10:50."""
    world.at("2026-12-18 16:50")
    status = world.routed(sample(1))
    told = []
    for moment in (
        *("2026-12-21 10:49", "2026-12-21 10:51", "2026-12-21 11:51", "2026-12-21 12:27"),
        *("2026-12-21 12:51", "2026-12-21 13:51", "2026-12-21 14:51", "2026-12-21 16:51"),
    ):
        world.at(moment)
        world.watch()
        told.append(_alarms(world, status)[sum(map(len, told)) :])
    assert told == [
        [],
        ["delivery.warned 50"],
        ["delivery.warned 75"],
        ["delivery.warned 90"],
        ["delivery.breached 100", "delivery.escalated 1 agency duty"],
        ["delivery.warned 50", "delivery.escalated 2 agency manager"],
        ["delivery.escalated 3 publisher supervisor"],
        ["delivery.warned 75", "delivery.warned 90", "delivery.escalated 4 ops duty"],
    ]
    world.clock.advance(days=30)
    world.watch()
    (leg_,) = world.status(status)["deliveries"]
    assert (leg_["state"], leg_["acknowledged_at"]) == ("leased", None)


def _alarms(world: World, status: dict[str, Any]) -> list[str]:
    """Return what was alarmed so far: kind, and percentage or step with who was told."""
    address = f"/v1/referrals/{status['id']}/timeline"
    events = world.client.get(address, headers=world.police).json()["events"]
    return [
        " ".join(
            str(part)
            for part in (
                event["kind"],
                event["data"].get("percent") or event["data"].get("step"),
                event["data"].get("to"),
                event["data"].get("contact"),
            )
            if part
        )
        for event in events
        if event["kind"].startswith(("delivery.warned", "delivery.breached", "delivery.escalated"))
    ]
