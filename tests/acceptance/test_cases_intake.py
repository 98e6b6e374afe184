"""Cases 13, 19 and 20, and what police systems send in another form than the schema's."""

import base64
import copy
import hashlib
import json
from typing import Any

import pytest

from tests.acceptance.conftest import World, sample


def immediate(**changes: Any) -> dict[str, Any]:
    """Return an immediate referral of a child in Staffordshire, changed in its parts."""
    document = sample(2)
    grade = document["grade"] | {"level": "immediate"}
    return copy.deepcopy(document | {"grade": grade} | changes)


def with_child(**changes: Any) -> dict[str, Any]:
    document = immediate()
    document["children"][0] |= changes
    return document


def online(**changes: Any) -> dict[str, Any]:
    return immediate(online=changes)


ETHNICITY = {"code": "W1", "basis": "self_defined"}
MANY = [{"algorithm": "sha256", "value": f"{number:064x}"} for number in range(501)]
ODD_FORMS = {
    "a postcode of another country": with_child(address={"postcode": "D02 AF30"}),
    "an unknown code of ethnicity": with_child(ethnicity={"code": "ZZ"}),
    "an unknown field": with_child(gp={"practice": "Invented surgery"}),
    "a birth in the future": with_child(date_of_birth="2031-01-01"),
    "a time without seconds": immediate(times={"first_known_at": "2026-12-15T09:00Z"}),
    "a local time": immediate(times={"first_known_at": "2026-12-15 09:00"}),
    "no first knowledge": immediate(times={}),
    "an unknown report source": online(reports=[{"source": "a hotline", "id": "1"}]),
    "501 hashes": online(hashes=MANY),
    "no way to reach the officer": immediate(
        referrer={"name": "DC Rowan Ashgrove", "role": "Constable"}
    ),
    "no reason of the grade": immediate(grade={"level": "immediate"}),
}
KNOWN_FORMS = {
    "BFPO": with_child(address={"postcode": "BFPO 9999"}),
    "part of a postcode": with_child(address={"postcode": "ZZ1"}),
    "self-defined ethnicity": with_child(ethnicity=ETHNICITY),
    "sex unknown": with_child(sex="unknown"),
    "a report by a force abroad": online(reports=[{"source": "FBI", "id": "1"}]),
    "PhotoDNA in hex": online(hashes=[{"algorithm": "photodna", "value": "ab01" * 72}]),
    "20 SHA-256 in a text": with_child(
        voice={"said": " ".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(20))}
    ),
}


def treated(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [defect for defect in status["defects"] if "treatment" in defect]


@pytest.mark.parametrize("name", ODD_FORMS)
def test_19_a_field_of_a_bad_form_is_named_and_the_referral_goes_on(
    world: World, name: str
) -> None:
    world.at("2026-12-24 20:00")
    status = world.routed(ODD_FORMS[name])
    assert status["state"] == "routed"
    assert len(treated(status)) == 1
    assert "staffordshire-edt" in world.legs(status)


@pytest.mark.parametrize("name", KNOWN_FORMS)
def test_19_what_forces_must_use_is_known(world: World, name: str) -> None:
    world.at("2026-12-24 20:00")
    status = world.routed(KNOWN_FORMS[name])
    assert (status["state"], treated(status)) == ("routed", [])


def test_19_25_children_are_all_kept(world: World) -> None:
    world.at("2026-12-24 20:00")
    document = immediate()
    first = document["children"][0]
    document["children"] += [first | {"id": f"other-{number}"} for number in range(24)]
    status = world.routed(document)
    assert (status["state"], treated(status)) == ("routed", [])
    (delivery,) = world.collect("staffordshire-edt")
    assert len(delivery["content"]["children"]) == 25


def test_19_the_original_is_shown_to_who_may_see_the_field(world: World) -> None:
    world.at("2026-12-24 20:00")
    document = with_child(gp="Invented surgery", school={"urn": "900001"})
    world.routed(document)
    (delivery,) = world.collect("staffordshire-edt")
    (defect,) = treated(delivery)
    assert (defect["pointer"], defect["code"]) == ("/children/0/gp", "unknown-field")
    assert defect["original"] == "Invented surgery"
    assert "gp" not in delivery["content"]["children"][0]
    for school in world.collect("school-900001"):
        assert "Invented surgery" not in json.dumps(school)


def test_19_a_grade_that_cannot_be_read_is_urgent_and_a_warning(world: World) -> None:
    world.at("2026-12-24 20:00")
    status = world.routed(immediate(grade={"level": "purple", "reason": "As told."}))
    assert status["effective_grade"] == "very_high"
    assert ("/grade/level", "unread-decides") in {
        (warning["pointer"], warning["code"]) for warning in status["warnings"]
    }


def test_a_child_who_quotes_a_link_is_heard_without_the_link(world: World) -> None:
    world.at("2026-12-24 20:00")
    said = "She wrote: look hxxps://pictures.example.org/a?format=jpg and I did."
    status = world.routed(with_child(voice={"said": said}))
    assert [defect["code"] for defect in treated(status)] == ["link-removed"]
    (delivery,) = world.collect("staffordshire-edt")
    heard = delivery["content"]["children"][0]["voice"]["said"]
    assert heard == "She wrote: look [link removed] and I did."
    assert "pictures.example.org" not in json.dumps(delivery)


def test_a_child_alleged_to_have_harmed_has_a_voice(world: World) -> None:
    world.at("2026-12-24 20:00")
    document = sample(9)
    document["persons_posing_risk"][0]["voice"] = {"said": "I did not know it was wrong."}
    status = world.routed(document)
    assert (status["state"], treated(status)) == ("routed", [])


def _pieces(text: str, size: int, between: str) -> str:
    return between.join(text[start : start + size] for start in range(0, len(text), size))


CONTENT = hashlib.shake_256(b"content").digest(1200)
ENCODED = {
    "base64 with spaces": _pieces(base64.b64encode(CONTENT).decode(), 20, " "),
    "base64 in short lines": _pieces(base64.b64encode(CONTENT).decode(), 59, "\n"),
    "base32": _pieces(base64.b32encode(CONTENT).decode(), 8, " "),
    "base85": base64.b85encode(CONTENT).decode(),
    "hex with spaces": CONTENT.hex(" "),
    "a data URI": "data:image/png;base64,AAAA",
}


@pytest.mark.parametrize("name", ENCODED)
def test_20_binary_content_is_refused_however_it_is_spread(world: World, name: str) -> None:
    document = with_child(voice={"said": ENCODED[name]})
    answer = world.client.post("/v1/referrals", json=document, headers=world.police)
    assert answer.status_code == 422
    assert answer.json()["code"] == "prohibited-content"


def test_20_what_is_about_nobody_and_nothing_is_rejected(world: World) -> None:
    world.at("2026-12-24 20:00")
    document = immediate(children=[], persons_posing_risk=[], household=[], online={})
    del document["concern"]
    status = world.routed(document)
    assert status["state"] == "rejected"
    assert "/concern" in {fault["pointer"] for fault in status["faults"]}


def test_a_correction_is_as_lenient_and_as_strict_as_the_first_one(world: World) -> None:
    world.at("2026-12-24 20:00")
    document = immediate()
    status = world.routed(document)
    document["children"][0]["gp"] = "Invented surgery"
    path = f"/v1/referrals/{status['id']}/corrections"
    strict = world.police | {"Prefer": "handling=strict"}
    refused = world.client.post(path, json=document, headers=strict)
    assert refused.status_code == 422
    assert world.client.post(path, json=document, headers=world.police).status_code == 202
    world.drain()
    assert [defect["code"] for defect in treated(world.status(status))] == ["unknown-field"]


def test_extensions_go_through_a_correction_and_are_shown_to_nobody(world: World) -> None:
    world.at("2026-12-24 20:00")
    document = immediate(extensions={"staffordshire-police": {"queue": "Zqueue"}})
    status = world.routed(document)
    assert treated(status) == []
    (delivery,) = world.collect("staffordshire-edt")
    assert "Zqueue" not in json.dumps(delivery)
    changed = document | {"extensions": {"staffordshire-police": {"queue": "Zother"}}}
    path = f"/v1/referrals/{status['id']}/corrections"
    receipt = world.client.post(path, json=changed, headers=world.police).json()
    world.drain()
    assert (receipt["version"], receipt["duplicate"]) == (2, False)
    assert treated(world.status(status)) == []
    assert world.collect("staffordshire-edt") == []
