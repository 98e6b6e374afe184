"""Values and shapes as forms, spreadsheets and converters write them, read where one is meant.

What cannot be read and decides who is told is a task; a blank is neither.
"""

import copy
import json
from typing import Any

import pytest

from tests.acceptance.conftest import World
from tests.acceptance.test_cases_places import (
    CHILD,
    STAFFORDSHIRE,
    STOKE,
    SUSPECT,
    agencies,
    referral,
    warnings,
)

COUNCIL = "staffordshire-csc"
HERE = CHILD | {"area": STAFFORDSHIRE}
HIGH = {"level": "high", "reason": "Invented."}
LOW = {"level": "low", "reason": "Invented."}


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def handed_in(world: World, document: dict[str, Any]) -> dict[str, Any]:
    world.at("2026-12-16 10:00")
    return world.routed(copy.deepcopy(document))


def codes(status: dict[str, Any]) -> set[str]:
    return {code for code, _ in warnings(status)}


def with_suspect(**changes: Any) -> dict[str, Any]:
    suspect = without(SUSPECT, "date_of_birth") | changes
    return referral(HERE, persons_posing_risk=[suspect], grade=HIGH)


def seen(world: World) -> dict[str, Any]:
    (delivery,) = world.collect(COUNCIL)
    return delivery["content"]


DAYS = [
    *(
        "15/03/2011",
        "15-03-2011",
        "15.3.2011",
        "15 March 2011",
        "15th of March 2011",
        "15-Mar-2011",
    ),
    *(
        "Tuesday 15 March 2011",
        "March 15, 2011",
        "03/15/2011",
        "2011/03/15",
        "2011-3-15",
        "20110315",
    ),
    *("15\u00a0March\u00a02011", "\u200e15/03/2011", "15/03/2011 00:00:00"),
    *("2011-03-15T00:00:00.000Z", 20110315, ["2011-03-15"], {"value": "15/03/2011"}),
]


@pytest.mark.parametrize("written", DAYS)
def test_19_a_day_is_read_as_it_is_written_in_britain(world: World, written: Any) -> None:
    """A boy of 15 is first of all a child: an unread day would lose that."""
    status = handed_in(world, with_suspect(date_of_birth=written))
    assert "person-age-unknown" not in codes(status)
    (boy,) = seen(world)["children_alleged_to_have_harmed"]
    assert boy["date_of_birth"] == "2011-03-15"


@pytest.mark.parametrize(
    "written", ["31/02/2011", "2011-02-30", "00/00/2011", "15.3.11", "March 2011", "2011", 40617]
)
def test_19_a_day_that_is_none_or_not_certain_is_a_task(world: World, written: Any) -> None:
    status = handed_in(world, with_suspect(date_of_birth=written))
    assert {"person-age-unknown", "unread-decides"} <= codes(status)
    assert agencies(status) == {COUNCIL}


BLANKS = ["N/K", "n/a", "unknown", "-", "TBC", "", None, [], {}, "Not known"]


@pytest.mark.parametrize("written", BLANKS)
def test_26_a_blank_is_asked_after_once(world: World, written: Any) -> None:
    status = handed_in(world, with_suspect(date_of_birth=written))
    assert codes(status) == {"person-age-unknown"}


@pytest.mark.parametrize("written", ["15", "15 years", "c.15", "approx 15", "15ish", 15.0, [15]])
def test_19_an_age_in_words_is_read(world: World, written: Any) -> None:
    handed_in(world, with_suspect(age=written))
    (boy,) = seen(world)["children_alleged_to_have_harmed"]
    assert boy["age"] == 15


@pytest.mark.parametrize("written", ["14-15", "fifteen", 15.5, -1, "under 18", True])
def test_19_an_age_that_is_not_certain_is_a_task(world: World, written: Any) -> None:
    status = handed_in(world, with_suspect(age=written))
    assert {"person-age-unknown", "unread-decides"} <= codes(status)


TIMES = {
    "15/12/2026 09:00": "2026-12-15T09:00:00Z",
    "15 Dec 2026 at 9am": "2026-12-15T09:00:00Z",
    "Tue, 15 Dec 2026 09:00:00 GMT": "2026-12-15T09:00:00Z",
    "15/07/2026 09:30": "2026-07-15T08:30:00Z",
    "20261215T090000Z": "2026-12-15T09:00:00Z",
    "2026-12-15T09:00:00Z[UTC]": "2026-12-15T09:00:00Z",
    "2026-12-15": "2026-12-15T00:00:00Z",
    "15/12/2026": "2026-12-15T00:00:00Z",
    1_797_325_200: "2026-12-15T09:00:00Z",
    1_797_325_200_000: "2026-12-15T09:00:00Z",
}


@pytest.mark.parametrize("written", TIMES)
def test_39_a_moment_is_read_so_that_no_delay_is_hidden(world: World, written: Any) -> None:
    handed_in(world, referral(HERE, grade=HIGH, times={"first_known_at": written}))
    assert seen(world)["times"]["first_known_at"] == TIMES[written]


def test_07_an_embargo_until_a_day_lasts_to_its_end(world: World) -> None:
    embargo = {"until": "18/12/2026", "reason": "A warrant.", "no_contact_with": ["school"]}
    handed_in(world, referral(HERE, grade=HIGH, handling={"embargo": embargo}))
    (delivery,) = world.collect(COUNCIL)
    assert delivery["handling"]["embargo"]["until"] == "2026-12-18T23:59:00Z"


MISSING = [
    *(True, "yes", "Y", "MISSING", {"status": True}, {"status": "missing from home"}, ["missing"]),
    *([{"status": "missing"}], {"Status": "Missing"}, {"status": {"value": "missing"}}),
    *("absconded", "AWOL", "Ran away"),
]


@pytest.mark.parametrize("written", MISSING)
def test_06_a_child_who_is_missing_is_so_in_any_form(world: World, written: Any) -> None:
    status = handed_in(world, referral(HERE | {"missing": written}, grade=LOW))
    assert status["effective_grade"] == "very_high"


@pytest.mark.parametrize("written", [False, "no", "N", {"status": "No"}])
def test_06_a_child_who_is_not_missing_is_not(world: World, written: Any) -> None:
    status = handed_in(world, referral(HERE | {"missing": written}, grade=LOW))
    assert (status["effective_grade"], codes(status)) == ("low", set())


def changed(**changes: Any) -> dict[str, Any]:
    document = referral(HERE, grade=HIGH) | changes
    return {name: value for name, value in document.items() if value is not ...}


def child(grade: dict[str, Any] = HIGH, **changes: Any) -> dict[str, Any]:
    fields = {name: value for name, value in (HERE | changes).items() if value is not ...}
    return referral(fields, grade=grade)


BOY = SUSPECT | {"area": STOKE, "date_of_birth": "2011-01-01"}
SHAPES = {
    "an object for a list": (changed(children=HERE), {COUNCIL}),
    "a list in a list": (changed(children=[[HERE]]), {COUNCIL}),
    "a converter's list": (changed(children={"child": [HERE]}), {COUNCIL}),
    "a converter's only item": (changed(children={"child": HERE}), {COUNCIL}),
    "an object by its ids": (changed(children={"c": without(HERE, "id")}), {COUNCIL}),
    "null in a list": (changed(children=[None, HERE]), {COUNCIL}),
    "another case": (changed(children=..., Children=[HERE]), {COUNCIL}),
    "an object with a bad field": (
        changed(children=HERE | {"address": {"postcode": "??"}}),
        {COUNCIL},
    ),
    "camel case": (changed(personsPosingRisk=[BOY]), {COUNCIL, "stoke-csc", "stoke-yjs"}),
    "one person": (changed(persons_posing_risk=BOY), {COUNCIL, "stoke-csc", "stoke-yjs"}),
    "a school as a text": (child(school="Invented School"), {COUNCIL}),
    "a school as a number": (child(school=900003), {COUNCIL, "school-900003"}),
    "a URN as a number": (child(school={"urn": 900003}), {COUNCIL, "school-900003"}),
    "a URN with its name": (child(school={"urn": "URN: 900003"}), {COUNCIL, "school-900003"}),
    "a school in a list": (child(school=[{"urn": "900003"}]), {COUNCIL, "school-900003"}),
    "health as a list": (child(health=["Self-harm"]), {COUNCIL, "staffordshire-health"}),
    "health as one word": (child(health={"needs": "self harm"}), {COUNCIL, "staffordshire-health"}),
    "an unborn child": (
        referral({"id": "u", "expected_date_of_birth": "1 Feb 2027", "area": STAFFORDSHIRE}),
        {COUNCIL, "staffordshire-health"},
    ),
    "probation by its name": (
        with_suspect(
            age=40, management={"status": "On licence", "managed_by": "Probation Service"}
        ),
        {COUNCIL, "probation-west-midlands"},
    ),
    "a role as an object": (
        with_suspect(
            age=40,
            roles={"kind": "Foster carer", "area": STAFFORDSHIRE, "works_with_children": "Y"},
        ),
        {COUNCIL, "staffordshire-lado"},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_19_another_shape_costs_nobody(world: World, name: str) -> None:
    document, told = SHAPES[name]
    status = handed_in(world, document)
    assert (status["state"], agencies(status)) == ("routed", told)


TEXTS = {
    "a voice as a text": (child(voice="I am afraid of Zed."), "Zed"),
    "what was said in a list": (child(voice={"said": ["I am afraid.", "Of Zed."]}), "Zed"),
    "a concern as a text": (changed(concern="Zed wrote at night."), "Zed"),
    "a concern in a list": (changed(concern=[{"category": "grooming", "summary": "Zed."}]), "Zed"),
    "facts as a text": (
        changed(concern={"category": "grooming", "summary": "x", "facts": "Zed wrote."}),
        "Zed",
    ),
    "a child as a text": (changed(children=[HERE, "Zed Invented"]), "Zed"),
    "handling as a text": (changed(handling="Ring DC Zed first."), "Zed"),
    "a referrer as a text": (changed(referrer="DC Zed 01632 960155"), "Zed"),
    "camel case": (changed(children=[without(HERE, "given_name") | {"givenName": "Zed"}]), "Zed"),
    "a forename": (changed(children=[without(HERE, "given_name") | {"Forename": "Zed"}]), "Zed"),
    "one name": (
        changed(children=[without(HERE, "given_name", "family_name") | {"name": "Zed Invented"}]),
        "Zed Invented",
    ),
    "lines of an address": (
        child(address={"line1": "1 Invented Road", "Town": "Zed", "postcode": "ST16 2LH"}),
        "Zed",
    ),
    "a summary beside the concern": (changed(concern=..., summary="Zed wrote."), "Zed wrote."),
    "a label for a code": (child(ethnicity="White British"), '"WBRI"'),
}


@pytest.mark.parametrize("name", TEXTS)
def test_19_what_was_written_in_another_shape_stands_in_its_place(world: World, name: str) -> None:
    document, word = TEXTS[name]
    status = handed_in(world, document)
    assert "read-otherwise" in {defect["code"] for defect in status["defects"]}
    (delivery,) = world.collect(COUNCIL)
    shown = json.dumps({part: delivery[part] for part in ("content", "handling")})
    assert word in shown


OTHER_NAMES = {
    "children": (changed(children=..., victims=[HERE]), {COUNCIL}),
    "a child": (changed(children=..., child=HERE), {COUNCIL}),
    "suspects": (changed(Suspects=[BOY]), {COUNCIL, "stoke-csc", "stoke-yjs"}),
    "a date of birth": (
        changed(suspect=without(BOY, "date_of_birth") | {"DOB": "1/1/2011"}),
        {COUNCIL, "stoke-csc", "stoke-yjs"},
    ),
    "an area": (child(area=..., local_authority="Stoke-on-Trent"), {"stoke-csc"}),
    "a code of an area": (child(area=..., GSS_Code=STOKE), {"stoke-csc"}),
    "a postcode beside its address": (child(area=..., Postcode="ST16 2LH"), {COUNCIL}),
    "a school's number beside the school": (
        child(school_urn=900003, school_name="Invented School"),
        {COUNCIL, "school-900003"},
    ),
    "the moment of first knowledge": (
        changed(times=..., first_known="2026-12-15T09:00:00Z"),
        {COUNCIL},
    ),
    "a due date": (
        referral({"id": "u", "edd": "1 Feb 2027", "area": STAFFORDSHIRE}),
        {COUNCIL, "staffordshire-health"},
    ),
    "months": (
        referral({"id": "b", "age": "18 months", "area": STAFFORDSHIRE}),
        {COUNCIL, "staffordshire-health"},
    ),
    "weeks": (
        referral({"id": "b", "approximate_age": "3 weeks", "area": STAFFORDSHIRE}),
        {COUNCIL, "staffordshire-health"},
    ),
}


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_19_a_field_under_another_name_costs_nobody(world: World, name: str) -> None:
    document, told = OTHER_NAMES[name]
    status = handed_in(world, document)
    assert (status["state"], agencies(status)) == ("routed", told)
    assert "unread-decides" not in codes(status)


def test_19_a_name_beside_the_field_that_it_means_is_an_unknown_field(world: World) -> None:
    """Which of the two is right, nobody can say: the field of the schema counts."""
    status = handed_in(world, child(surname="Zed"))
    assert ("unknown-field", "/children/0/surname") in {
        (defect["code"], defect["pointer"]) for defect in status["defects"]
    }


@pytest.mark.parametrize(
    "written",
    [
        {"missing": {"since": "2026-12-15T20:00:00Z"}},
        {"missing": ..., "missing_since": "15/12/2026 20:00"},
    ],
)
def test_06_a_child_of_whom_only_is_written_since_when_is_missing(
    world: World, written: dict[str, Any]
) -> None:
    status = handed_in(world, child(grade=LOW, **written))
    assert (status["effective_grade"], codes(status) & {"unread-decides", "missing-unknown"}) == (
        "very_high",
        {"unread-decides"},
    )


def test_06_a_child_of_whom_is_written_when_it_came_back_is_not_missing(world: World) -> None:
    away = {"since": "2026-12-14T20:00:00Z", "returned_at": "2026-12-15T07:00:00Z"}
    status = handed_in(world, referral(HERE | {"missing": away}, grade=LOW))
    assert "returned-from-missing" in codes(status)


@pytest.mark.parametrize("part", ["nominals", "Kinder"])
def test_26_people_under_a_name_that_nobody_knows_are_a_task(world: World, part: str) -> None:
    """A suspect alone would be told of, and the child would be lost."""
    people = {part: [HERE | {"area": STOKE}]}
    status = handed_in(world, changed(children=..., persons_posing_risk=[SUSPECT], **people))
    assert ("unread-decides", f"/{part}") in warnings(status)


HEALTH = {
    "an unknown need": ({"needs": ["overdose"]}, "unread-decides"),
    "details alone": ({"details": "Took tablets."}, "fact-unknown"),
    "a text": ("Took tablets.", "fact-unknown"),
}


@pytest.mark.parametrize("name", HEALTH)
def test_26_a_need_that_cannot_be_read_is_a_task(world: World, name: str) -> None:
    written, code = HEALTH[name]
    status = handed_in(world, child(health=written))
    assert agencies(status) == {COUNCIL}
    assert code in codes(status)


@pytest.mark.parametrize("name", ["school", "health", "roles", "management", "looked_after"])
@pytest.mark.parametrize("blank", [None, "", {}, [], "N/K"])
def test_26_a_form_left_blank_asks_nothing_that_nobody_would(
    world: World, name: str, blank: Any
) -> None:
    if name in ("roles", "management"):
        document = referral(HERE, persons_posing_risk=[SUSPECT | {name: blank}], grade=HIGH)
    else:
        document = child(**{name: blank})
    status = handed_in(world, document)
    assert (agencies(status), codes(status)) == ({COUNCIL}, set())


UNBORN = {
    "long past": ({"expected_date_of_birth": "2019-01-01"}, "birth-long-past"),
    "in words": ({"expected_date_of_birth": "in 6 weeks"}, "bad-date"),
    "under another name": ({"date_of_birth": "2027-02-01"}, "date-in-future"),
}


@pytest.mark.parametrize("name", UNBORN)
def test_33_who_may_be_unborn_is_named(world: World, name: str) -> None:
    fields, defect = UNBORN[name]
    status = handed_in(world, referral({"id": "u", "area": STAFFORDSHIRE} | fields, grade=HIGH))
    assert agencies(status) == {COUNCIL}
    assert defect in {each["code"] for each in status["defects"]}
    assert "unread-decides" in codes(status) or defect == "birth-long-past"


NAMED = {
    "/persons_posing_risk/0/occupation": "Primary school teacher",
    "/persons_posing_risk/0/placeOfWork": {"name": "Cannock Chase Sample High"},
    "/persons_posing_risk/0/on licence": True,
    "/children/0/grade": "immediate",
    "/children/0/CollegeName": "Cannock Chase Sample High",
    "/children/0/missing_since": "Monday",
    "/children/0/is_missing": "since Monday",
    "/risk_level": "critical",
    "/concern/priority": 1,
}


@pytest.mark.parametrize("pointer", NAMED)
def test_26_a_field_of_no_schema_that_is_named_like_what_decides_is_a_task(
    world: World, pointer: str
) -> None:
    document: Any = copy.deepcopy(referral(HERE, persons_posing_risk=[SUSPECT], grade=HIGH))
    *path, last = pointer.split("/")[1:]
    place = document
    for step in path:
        place = place[int(step)] if step.isdecimal() else place[step]
    place[last] = NAMED[pointer]
    status = handed_in(world, document)
    assert agencies(status) == {COUNCIL}
    assert ("unread-decides", pointer) in warnings(status)


@pytest.mark.parametrize("name", ["gp", "nationality", "previous_school", "vehicle", "work_phone"])
def test_26_another_field_of_no_schema_is_no_task(world: World, name: str) -> None:
    document = referral(HERE | {name: "Invented"}, persons_posing_risk=[SUSPECT], grade=HIGH)
    status = handed_in(world, document)
    assert "unread-decides" not in codes(status)


def test_26_two_concerns_are_a_task(world: World) -> None:
    """One of them may be streamed live, of which the National Crime Agency is told."""
    concerns = [
        {"category": "grooming", "summary": "Invented."},
        {"category": "livestreaming", "summary": "Invented."},
    ]
    status = handed_in(world, referral(HERE, concern=concerns, grade=HIGH))
    assert agencies(status) == {COUNCIL}
    assert ("unread-decides", "/concern") in warnings(status)


LOW = {"level": "low", "reason": "Invented."}
IMMEDIATE = {"level": "immediate", "reason": "Invented."}
OTHER_GRADES = {
    "of a child": (referral(HERE | {"grade": "immediate"}, grade=LOW), "/children/0/grade"),
    "of no schema": (referral(HERE, grade=LOW, riskLevel="critical"), "/riskLevel"),
    "a second one": (referral(HERE, grade=LOW, other=IMMEDIATE), "/grade (2)"),
}


@pytest.mark.parametrize("name", OTHER_GRADES)
def test_26_another_grade_that_was_not_read_is_asked_after_as_if_immediate(
    world: World, name: str
) -> None:
    """A low referral may be an immediate one: ops have no working day to find out."""
    world.at("2026-12-16 10:00")
    document, pointer = OTHER_GRADES[name]
    headers = world.police | {"Content-Type": "application/json"}
    body = json.dumps(document).replace('"other"', '"grade"')
    answer = world.client.post("/v1/referrals", content=body, headers=headers)
    assert answer.status_code == 202
    world.drain()
    waiting = world.client.get("/v1/attention", headers=world.headers("ops", "ops")).json()["task"]
    (task,) = [each for each in waiting if each["pointer"] == pointer]
    assert (task["code"], world.local(task["due_at"])) == ("unread-decides", "2026-12-16 11:00")
