"""Corrections, regrades and recalls, through the public API: what agencies get of each version."""

import copy
import json
import threading
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from referral_broker_client.queue_consumer import QueueConsumer
from referral_broker_client.queue_signatures import AgencyKey, PinnedKeys, QueueKeys

from broker.admin import signing_keys
from broker.bootstrap import utc_now
from broker.devstack.engines import Engines
from broker.flow.context import Context
from broker.intake.receipts_queue import receive_receipts
from broker.transport.queues import AgencyQueues
from broker.transport.signatures import new_private_key
from tests.acceptance.conftest import World, about_nobody, sample
from tests.acceptance.test_cases import leg, text
from tests.conftest import SIGNING_KEY

COUNCILS = ("staffordshire-csc", "shropshire-csc")
ELDER, YOUNGER = "Lowri", "Sorrel"


def siblings() -> dict[str, Any]:
    """Return case 3 with the elder child in Staffordshire, whose council collects."""
    document = sample(3)
    document["children"][0]["area"] = "E10000028"
    document["children"][1].pop("placing_authority")
    return document


def alone() -> dict[str, Any]:
    """Return the same with the elder child only."""
    document = siblings()
    document["children"] = document["children"][:1]
    document["household"][0]["children"] = ["child-1"]
    return document


def correct(
    world: World, receipt: dict[str, Any], document: dict[str, Any], **headers: str
) -> dict[str, Any]:
    """Correct a referral, let the workers work, and return the receipt of the version."""
    answer = send(world, receipt, document, **headers)
    assert answer.status_code == 202, answer.text
    world.drain()
    return answer.json()


def send(world: World, receipt: dict[str, Any], document: Any, **headers: str) -> Any:
    path = f"/v1/referrals/{receipt['id']}/corrections"
    return world.client.post(path, json=document, headers=world.police | headers)


def recall(world: World, receipt: dict[str, Any], reason: str = "wrong_person") -> Any:
    told = {"reason": reason, "by": "DS Imogen Farlow"}
    path = f"/v1/referrals/{receipt['id']}/recall"
    answer = world.client.post(path, json=told, headers=world.police)
    world.drain()
    return answer


def changed(document: dict[str, Any], **grade: str) -> dict[str, Any]:
    """Return a document with another summary, and another grade if one is given."""
    other = copy.deepcopy(document)
    other["concern"]["summary"] += " The account has another name."
    if grade:
        other["grade"] |= grade
    return other


def of(status: dict[str, Any], agency: str) -> list[dict[str, Any]]:
    return [delivery for delivery in status["deliveries"] if delivery["agency"] == agency]


def kinds(world: World, receipt: dict[str, Any]) -> list[str]:
    """Return the kinds of event in the publisher's own feed about a referral."""
    feed = world.client.get("/v1/events", params={"limit": 500}, headers=world.police).json()
    return [event["kind"] for event in feed["events"] if event["referral"] == receipt["id"]]


def acknowledge(world: World, agency: str, delivery: str) -> None:
    told = {"delivery": delivery, "stage": "acknowledged", "by": "A. Worker"}
    assert world.answer(agency, **told)["result"] == "recorded"


def decide(world: World, agency: str, delivery: str, outcome: str) -> str:
    told = {"delivery": delivery, "stage": "decided", "by": "A. Worker", "outcome": outcome}
    return world.answer(agency, **told)["result"]


def test_an_agency_that_has_it_gets_a_correction_and_any_other_the_new_version(
    world: World,
) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    (first,) = world.collect("staffordshire-csc")
    acknowledge(world, "staffordshire-csc", first["delivery"])
    world.at("2027-03-25 11:00")
    document = changed(siblings())
    document["children"][0]["language"] = "Welsh"
    receipt = correct(world, status, document)
    assert (receipt["version"], receipt["duplicate"]) == (2, False)

    status = world.status(status)
    original, correction = of(status, "staffordshire-csc")
    assert (original["kind"], original["version"], original["state"]) == (
        *("referral", 1, "acknowledged"),
    )
    assert (correction["kind"], correction["follows"]) == ("correction", original["id"])
    assert world.local(correction["deadlines"]["acknowledge_by"]) == "2027-03-25 15:00"
    assert correction["deadlines"]["decide_by"] is None
    (moved,) = of(status, "shropshire-csc")
    assert (moved["kind"], moved["version"], moved["attempt"]) == ("referral", 2, 0)
    assert world.local(moved["clock_start"]) == "2027-03-25 10:00"

    (offered,) = world.collect("staffordshire-csc")
    assert offered["delivery"] == correction["id"]
    assert (offered["version"], offered["latest_version"]) == (2, 2)
    assert offered["changed"] == ["concern", "children"]
    assert "another name" in text(offered["content"])
    (other,) = world.collect("shropshire-csc")
    assert (other["delivery"], other["changed"]) == (moved["id"], [])
    assert "another name" in text(other["content"])
    assert {"referral.corrected", "referral.revised", "delivery.revised"} <= set(
        kinds(world, status)
    )


def test_no_version_shows_a_council_the_other_ones_child(world: World) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    seen = {agency: [text(world.collect(agency))] for agency in COUNCILS}
    for language in ("Welsh", "Polish"):
        document = siblings()
        for child in document["children"]:
            child["language"] = language
        correct(world, status, document)
        for agency in COUNCILS:
            offered = world.collect(agency)
            assert offered[0]["changed"] == ["children"]
            seen[agency].append(text(offered))
    for agency, own, others in (
        ("staffordshire-csc", ELDER, YOUNGER),
        ("shropshire-csc", YOUNGER, ELDER),
    ):
        assert len(seen[agency]) == 3
        assert all(own in name and others not in name for name in seen[agency])


def test_only_what_changes_in_its_view_is_named_to_an_agency(world: World) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    for agency in COUNCILS:
        world.collect(agency)
    document = siblings()
    document["children"][0]["language"] = "Welsh"
    correct(world, status, document)
    assert world.collect("staffordshire-csc")[0]["changed"] == ["children"]
    assert world.collect("shropshire-csc") == []


def test_a_child_in_another_area_brings_its_council_an_ordinary_delivery(world: World) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(alone())
    world.collect("staffordshire-csc")
    assert not of(status, "shropshire-csc")
    world.at("2027-03-25 12:00")
    correct(world, status, siblings())
    status = world.status(status)
    (new,) = of(status, "shropshire-csc")
    assert (new["kind"], new["version"], new["role"]) == ("referral", 2, "lead")
    assert world.local(new["clock_start"]) == "2027-03-25 12:00"
    (offered,) = world.collect("shropshire-csc")
    assert YOUNGER in text(offered)
    assert ELDER not in text(offered)
    assert [delivery["kind"] for delivery in of(status, "staffordshire-csc")] == ["referral"]


def test_an_agency_that_is_no_longer_concerned_must_destroy_its_copy(world: World) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    world.collect("shropshire-csc")
    correct(world, status, alone())
    had, told = of(world.status(status), "shropshire-csc")
    assert (had["state"], told["kind"]) == ("recalled", "recall")
    (offered,) = world.collect("shropshire-csc")
    assert (offered["content"], offered["handling"], offered["defects"]) == ({}, {}, [])
    assert offered["recall_reason"] == "no_longer_addressed"
    assert offered["follows"] == had["id"]
    headers = world.headers("shropshire-csc", "collect")
    again = world.client.get(f"/v1/deliveries/{had['id']}", headers=headers).json()
    assert again["content"] == {}


def test_what_nobody_had_seen_is_taken_out_of_the_queue_without_a_word(world: World) -> None:
    world.at("2027-03-25 10:00")
    status = world.routed(siblings())
    correct(world, status, alone())
    (gone,) = of(world.status(status), "shropshire-csc")
    assert gone["state"] == "recalled"
    assert world.collect("shropshire-csc") == []


def test_a_regrade_moves_deadlines_and_never_the_start(world: World) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    document["grade"]["level"] = "low"
    status = world.routed(document)
    world.collect("staffordshire-csc")
    before = leg(status, "staffordshire-csc")
    assert world.legs(status)["staffordshire-csc"] == ("2027-04-08 17:00", "2027-04-08 17:00")

    world.at("2027-04-07 12:00")
    correct(world, status, changed(document, level="immediate"))
    status = world.status(status)
    lead = of(status, "staffordshire-csc")[0]
    assert (status["grade"], status["effective_grade"]) == ("immediate", "immediate")
    assert world.local(lead["deadlines"]["acknowledge_by"]) == "2027-04-07 13:00"
    assert lead["deadlines"]["decide_by"] == before["deadlines"]["decide_by"]
    assert lead["clock_start"] == before["clock_start"]
    (record,) = lead["explanation"]["rescheduled"]
    assert (record["grade_before"], record["grade"]) == ("low", "immediate")
    said = {deadline["milestone"]: deadline for deadline in record["deadlines"]}
    assert said["acknowledge"]["words_before"] != said["acknowledge"]["words"]
    event = next(event for event in timeline(world, status) if event["kind"] == "referral.regraded")
    assert event["data"]["grade_before"] == "low"
    assert event["data"]["grade"] == "immediate"

    world.at("2027-04-07 12:30")
    correct(world, status, document)
    status = world.status(status)
    lead = of(status, "staffordshire-csc")[0]
    assert lead["deadlines"] == before["deadlines"]
    assert lead["clock_start"] == before["clock_start"]
    assert status["accepted_at"] == before["clock_start"]
    assert [version["version"] for version in status["versions"]] == [1, 2, 3]
    moved = [event for event in timeline(world, status) if event["kind"] == "delivery.rescheduled"]
    tighter, looser = (
        next(each for each in event["data"]["deadlines"] if each["milestone"] == "acknowledge")
        for event in moved
    )
    assert (tighter["due"], tighter["due_before"]) == (looser["due_before"], looser["due"])


def test_a_tighter_grade_never_gives_more_time_than_there_was(world: World) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    document["grade"]["level"] = "very_high"
    status = world.routed(document)
    world.collect("staffordshire-csc")
    world.at("2027-04-07 13:30")
    correct(world, status, changed(document, level="immediate"))
    lead = of(world.status(status), "staffordshire-csc")[0]
    assert world.local(lead["deadlines"]["acknowledge_by"]) == "2027-04-07 14:00"


def test_a_regrade_while_the_office_is_closed_also_reaches_the_team_out_of_hours(
    world: World,
) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    status = world.routed(document)
    (first,) = world.collect("staffordshire-csc")
    acknowledge(world, "staffordshire-csc", first["delivery"])
    world.at("2027-04-07 20:00")
    correct(world, status, changed(document, level="immediate"))
    status = world.status(status)
    (edt,) = of(status, "staffordshire-edt")
    assert (edt["kind"], world.local(edt["deadlines"]["acknowledge_by"])) == (
        *("referral", "2027-04-07 21:00"),
    )
    office = of(status, "staffordshire-csc")
    assert [(delivery["kind"], delivery["state"]) for delivery in office] == [
        ("referral", "acknowledged"),
        ("correction", "available"),
    ]


def test_a_recall_is_confirmed_by_everybody_who_had_it_and_then_closes(world: World) -> None:
    world.at("2027-04-07 10:00")
    status = world.routed(siblings())
    (first,) = world.collect("staffordshire-csc")
    answer = recall(world, status)
    assert answer.status_code == 202, answer.text
    status = world.status(status)
    assert (status["recall_reason"], status["recalled_by"]) == ("wrong_person", "DS Imogen Farlow")
    assert [delivery["state"] for delivery in of(status, "shropshire-csc")] == ["recalled"]
    assert world.collect("shropshire-csc") == []

    (told,) = world.collect("staffordshire-csc")
    assert (told["kind"], told["content"], told["recall_reason"]) == ("recall", {}, "wrong_person")
    assert told["follows"] == first["delivery"]
    assert world.local(told["deadlines"]["decide_by"]) == "2027-04-08 17:00"
    assert ELDER not in text(told)
    assert decide(world, "staffordshire-csc", first["delivery"], "assessment") == "conflict"
    assert decide(world, "staffordshire-csc", told["delivery"], "assessment") == "wrong_kind"
    assert world.status(status)["state"] == "routed"
    assert decide(world, "staffordshire-csc", told["delivery"], "destroyed") == "recorded"
    assert world.status(status)["state"] == "closed"
    assert {"referral.recalled", "delivery.recalled", "referral.withdrawn"} <= set(
        kinds(world, status)
    )


def test_what_was_recalled_stays_recalled(world: World) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    status = world.routed(document)
    world.collect("staffordshire-csc")
    correct(world, status, changed(document))
    recall(world, status)
    assert recall(world, status).json()["duplicate"] is True
    assert recall(world, status, "unlawful").status_code == 409
    repeated = send(world, status, changed(document))
    assert (repeated.status_code, repeated.json()["duplicate"]) == (202, True)
    refused = send(world, status, document)
    assert refused.status_code == 409
    assert "recalled" in refused.json()["detail"]
    assert world.hand_in(document)["duplicate"] is True


def test_a_recall_after_everything_was_decided_opens_it_again(world: World) -> None:
    world.at("2027-04-07 10:00")
    status = world.routed(alone())
    (first,) = world.collect("staffordshire-csc")
    decide(world, "staffordshire-csc", first["delivery"], "assessment")
    assert world.status(status)["state"] == "closed"
    assert recall(world, status).json()["state"] == "routed"
    (told,) = world.collect("staffordshire-csc")
    decide(world, "staffordshire-csc", told["delivery"], "destroyed")
    assert world.status(status)["state"] == "closed"


def test_a_correction_after_everything_was_decided_closes_once_it_is_acknowledged(
    world: World,
) -> None:
    world.at("2027-04-07 10:00")
    status = world.routed(alone())
    (first,) = world.collect("staffordshire-csc")
    decide(world, "staffordshire-csc", first["delivery"], "assessment")
    assert correct(world, status, changed(alone()))["state"] == "routed"
    (offered,) = world.collect("staffordshire-csc")
    returned = {"stage": "returned", "by": "Desk", "reason": "not_ours"}
    result = world.answer("staffordshire-csc", delivery=offered["delivery"], **returned)
    assert result["result"] == "wrong_kind"
    acknowledge(world, "staffordshire-csc", offered["delivery"])
    assert world.status(status)["state"] == "closed"
    headers = world.headers("staffordshire-csc", "collect")
    assert world.client.get("/v1/queue", headers=headers).json()["acknowledged"] == 0


def test_a_recall_before_routing_reaches_nobody_and_keeps_the_reference(world: World) -> None:
    receipt = world.hand_in(alone())
    assert recall(world, receipt).status_code == 202
    status = world.status(receipt)
    assert (status["state"], status["deliveries"]) == ("closed", [])
    assert world.hand_in(alone())["id"] == receipt["id"]


def test_a_correction_gives_an_unroutable_one_its_area_and_the_clock_keeps_its_start(
    world: World,
) -> None:
    world.at("2026-12-16 10:00")
    document = sample(10)
    status = world.routed(document)
    assert status["state"] == "unroutable"
    world.clock.advance(minutes=30)
    people = document.get("children") or document["persons_posing_risk"]
    people[0]["area"] = "E10000028"
    correct(world, status, document)
    status = world.status(status)
    assert status["state"] == "routed"
    assert {world.local(delivery["clock_start"]) for delivery in status["deliveries"]} == {
        "2026-12-16 10:00"
    }


def test_a_correction_that_leaves_nobody_to_go_to_waits_for_ops_and_then_goes_on(
    world: World,
) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    status = world.routed(document)
    (first,) = world.collect("staffordshire-csc")
    without = copy.deepcopy(document)
    del without["children"][0]["area"]
    without["grade"]["level"] = "immediate"
    world.at("2027-04-07 10:30")
    correct(world, status, without)
    stranded = world.status(status)
    assert (stranded["state"], stranded["reason"]) == ("unroutable", "no_area")
    assert of(stranded, "staffordshire-csc")[0]["id"] == first["delivery"]
    path, ops = f"/v1/referrals/{status['id']}/areas", world.headers("ops", "ops")
    given = {"areas": {"child-1": "E10000028"}}
    assert world.client.post(path, json=given, headers=ops).status_code == 202
    world.drain()
    (offered,) = world.collect("staffordshire-csc")
    assert (offered["kind"], offered["version"]) == ("correction", 2)
    lead = of(world.status(status), "staffordshire-csc")[0]
    assert world.local(lead["deadlines"]["acknowledge_by"]) == "2027-04-07 11:30"


def test_an_embargo_that_comes_with_a_correction_holds_the_school(world: World) -> None:
    world.at("2026-12-14 10:00")
    held = sample(7)
    free = copy.deepcopy(held)
    embargo = free["handling"].pop("embargo")
    status = world.routed(free)
    (school,) = [
        delivery for delivery in status["deliveries"] if delivery["agency"].startswith("school-")
    ]
    assert school["state"] == "available"
    correct(world, status, held)
    after = leg(world.status(status), school["agency"])
    assert (after["id"], after["state"]) == (school["id"], "held")
    assert world.local(after["clock_start"]) == world.local(embargo["until"])
    assert world.collect(school["agency"]) == []
    world.clock.advance(minutes=5)
    correct(world, status, changed(free))
    after = leg(world.status(status), school["agency"])
    assert (after["version"], after["state"]) == (3, "available")
    assert world.local(after["clock_start"]) == "2026-12-14 10:05"


def test_what_came_back_incomplete_goes_out_again_with_its_clock(world: World) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    status = world.routed(document)
    (first,) = world.collect("staffordshire-csc")
    told = {"stage": "returned", "by": "Desk", "reason": "need_information"}
    world.answer("staffordshire-csc", delivery=first["delivery"], **told)
    world.at("2027-04-07 11:00")
    correct(world, status, changed(document))
    back, again = of(world.status(status), "staffordshire-csc")
    assert (back["state"], again["kind"]) == ("returned", "referral")
    assert (again["replaces"], again["version"]) == (back["id"], 2)
    assert (again["clock_start"], again["deadlines"]) == (back["clock_start"], back["deadlines"])
    assert (
        world.client.get("/v1/attention", headers=world.headers("ops", "ops")).json()["returned"]
        == []
    )


def test_what_was_sent_on_is_corrected_where_it_is_now(world: World) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    status = world.routed(document)
    (first,) = world.collect("staffordshire-csc")
    told = {"stage": "returned", "by": "Desk", "reason": "wrong_area", "area": "E06000051"}
    world.answer("staffordshire-csc", delivery=first["delivery"], **told)
    (there,) = world.collect("shropshire-csc")
    correct(world, status, changed(document))
    (offered,) = world.collect("shropshire-csc")
    assert (offered["kind"], offered["follows"]) == ("correction", there["delivery"])
    assert ELDER in text(offered)
    (told_to,) = world.collect("staffordshire-csc")
    assert (told_to["kind"], told_to["content"]) == ("recall", {})


def test_what_is_sent_on_after_a_correction_is_the_latest(world: World) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    status = world.routed(document)
    (first,) = world.collect("staffordshire-csc")
    correct(world, status, changed(document))
    told = {"stage": "returned", "by": "Desk", "reason": "wrong_area", "area": "E06000051"}
    world.answer("staffordshire-csc", delivery=first["delivery"], **told)
    (there,) = world.collect("shropshire-csc")
    assert (there["kind"], there["version"]) == ("referral", 2)
    assert "another name" in text(there["content"])


def test_the_same_correction_twice_is_one_and_a_late_repeat_with_a_key_too(world: World) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    status = world.routed(document)
    second, third = changed(document), changed(changed(document))
    first = send(world, status, second, **{"Idempotency-Key": "k2"}).json()
    assert send(world, status, second).json() == first | {"duplicate": True}
    strict = {"Prefer": "handling=strict"}
    assert send(world, status, document | {"x": 1}, **strict).status_code == 422
    assert correct(world, status, third)["version"] == 3
    late = send(world, status, second, **{"Idempotency-Key": "k2"})
    assert late.json() == first | {"duplicate": True}
    other = send(world, status, document, **{"Idempotency-Key": "k2"})
    assert (other.status_code, other.json()["code"]) == (409, "reference-conflict")
    assert world.status(status)["version"] == 3
    assert send(world, status, third).json()["duplicate"] is True


def test_a_wrong_correction_names_every_fault_and_changes_nothing(world: World) -> None:
    world.at("2027-04-07 10:00")
    status = world.routed(alone())
    wrong = sample(13) | {"reference": "another"}
    answer = send(world, status, wrong, **{"Prefer": "handling=strict"})
    assert answer.status_code == 422
    codes = {fault["code"] for fault in answer.json()["errors"]}
    assert {"other-reference", "nhs-number-check-digit", "unknown-field"} <= codes
    assert world.status(status)["version"] == 1


def test_a_rejected_referral_is_handed_in_anew_and_not_corrected(world: World) -> None:
    world.at("2026-12-16 10:00")
    wrong = about_nobody(sample(13))
    status = world.routed(wrong)
    answer = send(world, status, sample(15) | {"reference": wrong["reference"]})
    assert answer.status_code == 409
    assert "rejected" in answer.json()["detail"]
    assert recall(world, status).status_code == 409


@pytest.mark.parametrize("call", ["corrections", "recall"])
def test_nobody_changes_another_publishers_referral(world: World, call: str) -> None:
    world.at("2027-04-07 10:00")
    status = world.routed(alone())
    headers = world.headers("west-mercia-police", "publish")
    body = alone() if call == "corrections" else {"reason": "unlawful", "by": "X"}
    answer = world.client.post(f"/v1/referrals/{status['id']}/{call}", json=body, headers=headers)
    assert answer.status_code == 404


def test_corrections_at_the_same_time_are_versions_one_after_the_other(world: World) -> None:
    world.at("2027-04-07 10:00")
    document = alone()
    status = world.routed(document)
    world.collect("staffordshire-csc")
    answers: list[Any] = []

    def post(number: int) -> None:
        other = copy.deepcopy(document)
        other["concern"]["summary"] = f"Summary {number}."
        answers.append(send(world, status, other))

    threads = [threading.Thread(target=post, args=[n]) for n in (1, 2, 3, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = {answer.json()["version"] for answer in answers}
    assert versions == set(range(2, max(versions) + 1))
    assert len(versions) >= 3
    world.drain()
    latest = max(answers, key=lambda one: one.json()["version"]).json()
    found = world.status(status)
    assert found["digest"] == latest["digest"]
    (offered,) = world.collect("staffordshire-csc")
    assert offered["version"] == latest["version"]


def timeline(world: World, status: dict[str, Any]) -> list[dict[str, Any]]:
    path = f"/v1/referrals/{status['id']}/timeline"
    return world.client.get(path, headers=world.police).json()["events"]


def test_a_queue_carries_every_kind_in_order(
    world: World, engines: Engines, context: Context
) -> None:
    world.at("2027-04-07 10:00")
    document = sample(1)
    status = world.routed(document)
    correct(world, status, changed(document))
    pem = new_private_key()
    signing_keys.register(context.ledger, "stoke-csc", pem, now=context.clock())
    signing_keys.publish_signing_key(context.ledger, SIGNING_KEY, now=context.clock())
    published = PinnedKeys(world.client.get("/v1/keys").json())
    keys = QueueKeys(AgencyKey(pem), published)
    with QueueConsumer(engines.exchange_url, "stoke-csc", keys, by="Desk", wait=0.5) as consumer:
        messages = iter(consumer)
        original, correction = next(messages), next(messages)
        recall(world, status)
        withdrawn = next(messages)
        taken = [original, correction, withdrawn]
        assert [message.kind for message in taken] == ["referral", "correction", "recall"]
        assert [message.version for message in taken] == [1, 2, 2]
        assert correction.changed == ("concern",)
        assert correction.follows == original.id
        assert (withdrawn.content, withdrawn.handling) == ({}, {})
        with withdrawn:
            withdrawn.destroyed()
    world.clock.now = utc_now()  # the agency signs by its own clock
    receipts = AgencyQueues(engines.exchange_url)
    receipts.receive(partial(receive_receipts, context), limit=10, wait=2)
    receipts.close()
    assert world.status(status)["state"] == "closed"


def test_the_history_names_no_content(world: World) -> None:
    world.at("2027-04-07 10:00")
    status = world.routed(siblings())
    world.collect("staffordshire-csc")
    correct(world, status, changed(alone(), level="immediate"))
    recall(world, status)
    told = json.dumps(timeline(world, status))
    assert not any(name in told for name in (ELDER, YOUNGER, "another name", "Pennywhistle"))
    assert datetime.fromisoformat(timeline(world, status)[0]["at"])
