"""Wishes, embargoes and workplaces in odd words: in doubt a part waits for a person's decision."""

import copy
from typing import Any

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.test_cases_places import CHILD, STAFFORDSHIRE, SUSPECT, referral

SCHOOL, LADO, COUNCIL = "school-900003", "staffordshire-lado", "staffordshire-csc"
PUPIL = CHILD | {
    "area": STAFFORDSHIRE,
    "family_name": "Fernsby",
    "school": {"urn": "900003", "name": "Cannock Chase Sample High"},
}
UNTIL = "2026-12-18T12:00:00Z"
OUT, HELD, TOLD = None, "held", "available"


def pupil(**changes: Any) -> dict[str, Any]:
    return referral(PUPIL, **({"grade": {"level": "high", "reason": "Invented."}} | changes))


def at_the_child(**fields: Any) -> dict[str, Any]:
    return referral(PUPIL | fields, grade={"level": "high", "reason": "Invented."})


def wish(*entries: Any, **changes: Any) -> dict[str, Any]:
    return pupil(handling={"do_not_disclose_to": list(entries)}, **changes)


def embargo(**changes: Any) -> dict[str, Any]:
    return pupil(handling={"embargo": {"until": UNTIL, "reason": "A warrant.", **changes}})


def words(text: str) -> dict[str, Any]:
    return pupil(handling={"instructions": text})


def employed(**role: Any) -> dict[str, Any]:
    work = {"kind": "employment", "area": STAFFORDSHIRE, "works_with_children": True}
    return pupil(persons_posing_risk=[SUSPECT | {"roles": [work | role]}])


def handed_in(world: World, document: dict[str, Any]) -> dict[str, Any]:
    world.at("2026-12-16 10:00")
    return world.routed(copy.deepcopy(document))


def state_of(status: dict[str, Any], agency: str) -> str | None:
    states = {delivery["agency"]: delivery["state"] for delivery in status["deliveries"]}
    return states.get(agency)


def codes(status: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in status["warnings"]}


def tasks(world: World) -> set[str]:
    headers = world.headers("ops", "ops")
    return {
        task["code"] for task in world.client.get("/v1/attention", headers=headers).json()["task"]
    }


IN_DOUBT, UNMATCHED, UNREAD = (
    "do-not-disclose-in-doubt",
    "do-not-disclose-unmatched",
    "handling-unread",
)
WISHES = {
    "a kind in a list": (wish("school, LADO"), OUT, "not-disclosed"),
    "kinds with a stroke": (wish("School/college staff"), OUT, "not-disclosed"),
    "a space that is not seen": (wish("\u200bschool"), OUT, "not-disclosed"),
    "a space of a word processor": (wish("CANNOCK\u00a0CHASE SAMPLE HIGH"), OUT, "not-disclosed"),
    "a number": (wish(900003), OUT, "not-disclosed"),
    "one text": (pupil(handling={"do_not_disclose_to": "school"}), OUT, "not-disclosed"),
    "another spelling": (pupil(handling={"doNotDiscloseTo": ["school"]}), OUT, "not-disclosed"),
    "somebody's school": (wish("mum's school"), HELD, IN_DOUBT),
    "words around it": (wish("the school - not Mr Brown"), HELD, IN_DOUBT),
    "a misspelt name": (wish("Canock Chase Sampel High"), HELD, IN_DOUBT),
    "half a name": (wish("Cannock Chase"), HELD, IN_DOUBT),
    "a parted number": (wish("900 003"), HELD, IN_DOUBT),
    "a name that nobody has": (wish("St Mary's School"), HELD, IN_DOUBT),
    "everybody": (wish("Everyone but social care"), HELD, IN_DOUBT),
    "too many": (wish(*[f"Person {n}" for n in range(20)], "school"), HELD, UNREAD),
    "an object": (wish({"name": "school"}), HELD, UNREAD),
    "another name": (pupil(handling={"do_not_disclose": ["school"]}), OUT, "not-disclosed"),
    "beside its part": (pupil(do_not_disclose_to=["school"]), OUT, "not-disclosed"),
    "both": (pupil(doNotShareWith="school"), OUT, "not-disclosed"),
    "a field of no schema": (pupil(handling={"keep_it_from": ["school"]}), HELD, UNREAD),
    "at the child": (at_the_child(do_not_disclose_to=["school"]), HELD, UNREAD),
    "a no that forbids": (pupil(handling={"school_may_be_told": "no"}), HELD, UNREAD),
    "a flag that forbids": (pupil(handling={"contactSchool": False}), HELD, UNREAD),
    "at the child in words": (at_the_child(notToBeTold="school"), HELD, UNREAD),
    "the stepfather": (wish("The step-father"), TOLD, UNMATCHED),
}


@pytest.mark.parametrize("name", WISHES)
def test_24_a_wish_in_odd_words_keeps_out_or_holds(world: World, name: str) -> None:
    document, expected, code = WISHES[name]
    status = handed_in(world, document)
    assert state_of(status, SCHOOL) == expected
    assert state_of(status, COUNCIL) == TOLD
    assert code in codes(status)
    assert (code in tasks(world)) is (expected == HELD)
    assert bool(world.collect(SCHOOL)) is (expected == TOLD)


@pytest.mark.parametrize("entry", ["N/A", "none", "-", "N/K"])
def test_24_a_form_left_blank_is_no_wish(world: World, entry: str) -> None:
    status = handed_in(world, wish(entry))
    assert (state_of(status, SCHOOL), codes(status)) == (TOLD, set())


BOXES = {
    "an embargo": pupil(handling={"embargo": False}),
    "an embargo in words": pupil(handling={"embargo": "No"}),
    "somebody not to be told": pupil(handling={"do_not_disclose_to": False}),
    "another name": pupil(handling={"do_not_disclose": False}),
    "at the child": at_the_child(do_not_contact="no"),
}


@pytest.mark.parametrize("name", BOXES)
def test_24_a_box_that_is_not_ticked_keeps_nobody_out(world: World, name: str) -> None:
    status = handed_in(world, BOXES[name])
    assert state_of(status, SCHOOL) == TOLD
    assert codes(status).isdisjoint({UNREAD, "embargo-for-all", "not-disclosed"})


def test_24_what_means_another_exactly_is_in_no_doubt(world: World) -> None:
    status = handed_in(world, wish("school-900001"))
    assert (state_of(status, SCHOOL), codes(status)) == (TOLD, set())


def test_24_at_the_grade_immediate_a_doubt_holds_nothing_and_is_a_task(world: World) -> None:
    status = handed_in(world, wish("mum's school", grade={"level": "immediate", "reason": "x"}))
    assert state_of(status, SCHOOL) == TOLD
    assert IN_DOUBT in tasks(world)


def test_24_whoever_releases_it_settles_the_doubt(world: World) -> None:
    status = handed_in(world, wish("mum's school"))
    held = next(each["id"] for each in status["deliveries"] if each["agency"] == SCHOOL)
    answer = world.client.post(
        f"/v1/deliveries/{held}/hold/release",
        json={"by": "Jo Example", "reason": "It is another school."},
        headers=world.headers("ops", "ops"),
    )
    assert answer.status_code == 200, answer.text
    assert IN_DOUBT not in tasks(world)
    assert len(world.collect(SCHOOL)) == 1


EMBARGOES = {
    "nobody named": (embargo(), "embargo-for-all"),
    "an empty list": (embargo(no_contact_with=[]), "embargo-for-all"),
    "null": (embargo(no_contact_with=None), "embargo-for-all"),
    "an unknown word beside a known one": (embargo(no_contact_with=["family", "zz"]), UNREAD),
    "everybody": (embargo(no_contact_with=["all"]), UNREAD),
    "one text with two": (embargo(no_contact_with="family and school"), UNREAD),
    "a plural": (embargo(no_contact_with=["Schools"]), None),
    "a teacher": (embargo(no_contact_with=["head teacher"]), None),
    "flags": (embargo(no_contact_with={"school": True, "family": False}), None),
    "another spelling": (embargo(noContactWith=["school"]), None),
    "no end": (embargo(until=None, no_contact_with=["school"]), UNREAD),
    "an end in words": (embargo(until="after the warrant", no_contact_with=["school"]), UNREAD),
    "the end of time": (embargo(until="9999-12-31T23:59:59Z", no_contact_with=["school"]), UNREAD),
    "a text": (pupil(handling={"embargo": "No contact with school"}), UNREAD),
    "a flag": (pupil(handling={"embargo": True}), UNREAD),
    "a list of one": (
        pupil(
            handling=[{"embargo": [{"until": UNTIL, "reason": "x", "no_contact_with": ["school"]}]}]
        ),
        None,
    ),
    "beside its part": (
        pupil(embargo={"until": UNTIL, "reason": "x", "no_contact_with": ["school"]}),
        None,
    ),
    "at the child": (at_the_child(embargo="until Wednesday"), UNREAD),
    "abbreviated": (words("DNC school til Weds"), "embargo-in-words"),
    "one word": (words("EMBARGOED"), "embargo-in-words"),
    "keep from": (words("Keep from school before Fri 12:00"), "embargo-in-words"),
    "prior to": (words("No approach to parents prior to the warrant"), "embargo-in-words"),
    "no end in words": (words("School must not be informed of this."), "embargo-in-words"),
    "not for": (words("NOT FOR SCHOOL"), "embargo-in-words"),
    "handling as a text": (pupil(handling="Do not tell the school."), "embargo-in-words"),
}


@pytest.mark.parametrize("name", EMBARGOES)
def test_07_an_embargo_in_an_odd_form_holds_the_school(world: World, name: str) -> None:
    document, code = EMBARGOES[name]
    status = handed_in(world, document)
    assert (state_of(status, SCHOOL), state_of(status, COUNCIL)) == (HELD, TOLD)
    assert code is None or code in codes(status) & tasks(world)
    assert world.collect(SCHOOL) == []


@pytest.mark.parametrize("blank", [None, "", [], {}, "N/A"])
def test_07_a_blank_embargo_is_none(world: World, blank: Any) -> None:
    status = handed_in(world, pupil(handling={"embargo": blank}))
    assert (state_of(status, SCHOOL), codes(status)) == (TOLD, set())


@pytest.mark.parametrize("text", ["Be kind.", "No embargo.", "Ring DC Ash first on 01632 960155."])
def test_07_other_instructions_hold_nothing(world: World, text: str) -> None:
    status = handed_in(world, words(text))
    assert (state_of(status, SCHOOL), codes(status)) == (TOLD, set())


WORKPLACES = {
    "a misspelt name": ({"organisation": "Canock Chase Sample High"}, SCHOOL),
    "a longer name": ({"organisation": "Cannock Chase Sample High Academy Trust"}, SCHOOL),
    "a shorter name": ({"organisation": "Cannock Chase Sample"}, SCHOOL),
    "a title": ({"title": "Teacher at Cannock Chase Sample High"}, SCHOOL),
    "a number": ({"urn": 900003}, SCHOOL),
    "a number with its name": ({"urn": "URN 900003"}, SCHOOL),
    "no name": ({"organisation": "The child's school"}, SCHOOL),
    "the designated officer's own office": ({"organisation_code": LADO}, LADO),
    "social care": ({"organisation": "Staffordshire childrens social care"}, COUNCIL),
}


@pytest.mark.parametrize("name", WORKPLACES)
def test_25_a_suspect_who_may_be_at_a_recipient_holds_its_part(world: World, name: str) -> None:
    role, agency = WORKPLACES[name]
    status = handed_in(world, employed(**role))
    assert state_of(status, agency) == HELD
    assert "suspect-at-recipient" in codes(status) & tasks(world)
    others = {SCHOOL, LADO, COUNCIL} - {agency}
    assert {state_of(status, other) for other in others} == {TOLD}
    assert world.collect(agency) == []


@pytest.mark.parametrize(
    "role",
    [
        {"organisation": "Hazelbarrow High School", "title": "Head teacher"},
        {"organisation": "Staffordshire County Council"},
        {"organisation": "Unknown"},
    ],
)
def test_25_a_suspect_who_works_elsewhere_holds_nothing(world: World, role: dict[str, str]) -> None:
    status = handed_in(world, employed(**role))
    assert {state_of(status, agency) for agency in (SCHOOL, LADO, COUNCIL)} == {TOLD}
