"""What a person has decided about a doubt is asked again only where it is written otherwise."""

import json
from typing import Any

import psycopg
import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import World
from tests.acceptance.test_cases_embargo import act
from tests.acceptance.test_untidy_wishes import (
    COUNCIL,
    HELD,
    IN_DOUBT,
    LADO,
    PUPIL,
    SCHOOL,
    TOLD,
    UNREAD,
    UNTIL,
    codes,
    embargo,
    employed,
    pupil,
    state_of,
    tasks,
    wish,
    words,
)
from tests.acceptance.test_versions import correct

FOR_ALL, IN_WORDS, SUSPECT = "embargo-for-all", "embargo-in-words", "suspect-at-recipient"


def handed_in(world: World, document: dict[str, Any]) -> dict[str, Any]:
    """Hand in a referral, and return its receipt when it is routed."""
    world.at("2026-12-16 10:00")
    receipt = world.hand_in(document)
    world.drain()
    return receipt


def corrected(world: World, receipt: dict[str, Any], document: dict[str, Any]) -> str | None:
    """Correct a referral an hour later, and return the state of the school's part."""
    world.at("2026-12-16 11:00")
    concern = {**document["concern"], "summary": "More is known."}
    correct(world, receipt, {**document, "concern": concern})
    return state_of(world.status(receipt), SCHOOL)


def rows(context: Context, code: str) -> list[tuple[str, int, str, str | None]]:
    """Return place, version, state and who settled it, of each task of a code, oldest first."""
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(
            "select pointer, version, state, settled_by from task where code = %s"
            " order by opened_at, pointer",
            [code],
        ).fetchall()


def states(context: Context, code: str) -> list[tuple[int, str]]:
    return [(version, state) for _, version, state, _ in rows(context, code)]


def settle(world: World, context: Context, code: str, pointer: str) -> None:
    """Settle the open task of a code at a place."""
    with psycopg.connect(context.settings.database_url) as connection:
        ((id_,),) = connection.execute(
            "select id from task where state = 'open' and (code, pointer) = (%s, %s)",
            [code, pointer],
        ).fetchall()
    answer = world.client.post(
        f"/v1/tasks/{id_}/settle", json={"reason": "Asked."}, headers=world.headers("ops", "ops")
    )
    assert answer.status_code == 200, answer.text


def release(world: World, receipt: dict[str, Any], agency: str = SCHOOL) -> None:
    """Release what an agency is to have."""
    parts = world.status(receipt)["deliveries"]
    held = next(part["id"] for part in parts if part["agency"] == agency)
    assert act(world, held, "release", reason="It may go.").status_code == 200


def other_place(**handling: Any) -> dict[str, Any]:
    return pupil(handling=handling)


DOUBTS = {
    "a wish in other words": (wish("mum's school"), IN_DOUBT),
    "a wish in no text": (wish({"name": "school"}), UNREAD),
    "a field of no schema": (other_place(keep_it_from=["school"]), UNREAD),
    "a part in the wrong place": (pupil(embargo={"until": UNTIL, "no": "school"}), UNREAD),
    "an embargo as a text": (pupil(handling={"embargo": "No contact with school"}), UNREAD),
    "words": (words("Keep from school before Fri 12:00"), IN_WORDS),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_a_correction_does_not_ask_again_about_a_doubt_that_was_released(
    world: World, context: Context, name: str
) -> None:
    document, code = DOUBTS[name]
    receipt = handed_in(world, document)
    release(world, receipt)
    for pointer, _, state, _ in rows(context, code):
        if state == "open":
            settle(world, context, code, pointer)
    before = rows(context, code)
    assert {state for _, _, state, _ in before} == {"settled"}
    assert corrected(world, receipt, document) == TOLD
    assert rows(context, code) == before


def test_a_correction_of_what_was_released_and_collected_is_not_held(
    world: World, context: Context
) -> None:
    document = other_place(keep_it_from=["school"])
    receipt = handed_in(world, document)
    release(world, receipt)
    assert len(world.collect(SCHOOL)) == 1
    renamed = {**document, "children": [document["children"][0] | {"given_name": "Izzy"}]}
    corrected(world, receipt, renamed)
    assert [each["version"] for each in world.collect(SCHOOL)] == [2]
    assert states(context, UNREAD) == [(1, "settled")]


def test_a_correction_does_not_ask_again_whom_an_embargo_is_about(
    world: World, context: Context
) -> None:
    receipt = handed_in(world, embargo())
    settle(world, context, FOR_ALL, "/handling/embargo/no_contact_with")
    assert corrected(world, receipt, embargo()) == HELD
    assert states(context, FOR_ALL) == [(1, "settled")]
    assert corrected(world, receipt, embargo(until="2026-12-19T12:00:00Z")) == HELD
    assert states(context, FOR_ALL) == [(1, "settled"), (3, "open")]


CHANGED = {
    "another wish in doubt": (wish("mum's school"), wish("Cannock Chase"), IN_DOUBT),
    "one more wish in doubt": (wish("mum's school"), wish("mum's school", "St Mary's"), IN_DOUBT),
    "another wish in no text": (wish({"name": "school"}), wish({"name": "the school"}), UNREAD),
    "a field of no schema": (
        other_place(keep_it_from=["school"]),
        other_place(keep_it_from=["school", "LADO"]),
        UNREAD,
    ),
    "what is beneath a wish in doubt": (
        other_place(do_not_disclose_to=["mum's school"]),
        other_place(do_not_disclose_to=["mum's school"], keep_it_from=["school"]),
        IN_DOUBT,
    ),
    "words beneath a suspect": (
        employed(organisation_code=SCHOOL),
        employed(organisation_code=SCHOOL)
        | {"handling": {"instructions": "Keep from school before Fri 12:00"}},
        SUSPECT,
    ),
    "a workplace in a title": (
        employed(title="Teacher at Canock Chase Sampel High"),
        employed(title="Teacher at Cannock Chase Sample High"),
        SUSPECT,
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_correction_that_changes_what_decides_a_doubt_is_held_anew(
    world: World, context: Context, name: str
) -> None:
    before, after, code = CHANGED[name]
    receipt = handed_in(world, before)
    release(world, receipt)
    assert states(context, code) == [(1, "settled")]
    assert corrected(world, receipt, after) == HELD
    assert states(context, code) == [(1, "settled"), (2, "open")]
    assert world.collect(SCHOOL) == []


def test_a_doubt_that_nobody_has_settled_stays_open_beside_one_that_is(
    world: World, context: Context
) -> None:
    document = other_place(keep_it_from=["school"], keep_from=["LADO"])
    receipt = handed_in(world, document)
    settle(world, context, UNREAD, "/handling/keep_from")
    corrected(world, receipt, document)
    assert [(pointer, version, state) for pointer, version, state, _ in rows(context, UNREAD)] == [
        ("/handling/keep_from", 1, "settled"),
        ("/handling/keep_it_from", 1, "open"),
    ]


def test_a_doubt_that_holds_nothing_is_asked_again_where_somebody_new_is_told(
    world: World, context: Context
) -> None:
    immediate = {"level": "immediate", "reason": "Invented."}
    document = wish("mum's school", grade=immediate)
    receipt = handed_in(world, document)
    settle(world, context, IN_DOUBT, "/handling/do_not_disclose_to")
    assert corrected(world, receipt, document) == TOLD
    assert states(context, IN_DOUBT) == [(1, "settled")]
    other = {"urn": "900001", "name": "Etruria Sample Primary"}
    second = PUPIL | {"id": "child-2", "given_name": "Rowan", "school": other}
    correct(world, receipt, {**document, "children": [*document["children"], second]})
    assert state_of(world.status(receipt), "school-900001") == TOLD
    assert states(context, IN_DOUBT) == [(1, "settled"), (3, "open")]


def test_an_end_that_a_person_gave_does_not_end_a_hold_for_another_cause(
    world: World, context: Context
) -> None:
    in_words = {"handling": {"instructions": "Keep from school before Fri 12:00"}}
    receipt = handed_in(world, pupil(**in_words))
    parts = world.status(receipt)["deliveries"]
    held = next(part["id"] for part in parts if part["agency"] == SCHOOL)
    body = {"until": "2026-12-17T12:00:00Z", "reason": "The officer says so."}
    assert act(world, held, "extend", **body).status_code == 200
    suspect = employed(organisation_code=SCHOOL) | in_words
    assert corrected(world, receipt, suspect) == HELD
    world.at("2026-12-17 13:00")
    world.drain()
    assert world.collect(SCHOOL) == []
    assert len(world.collect(LADO)) == 1
    assert states(context, SUSPECT) == [(2, "open")]


def test_a_release_counts_for_the_wish_that_was_judged_and_for_no_later_one(
    world: World, context: Context
) -> None:
    receipt = handed_in(world, wish("mum's school"))
    release(world, receipt)
    assert corrected(world, receipt, wish("mum's school")) == TOLD
    immediate = {"level": "immediate", "reason": "Invented."}
    assert corrected(world, receipt, wish("Cannock Chase", grade=immediate)) == TOLD
    assert corrected(world, receipt, wish("Cannock Chase")) == HELD
    assert states(context, IN_DOUBT) == [(1, "settled"), (3, "open")]
    assert world.collect(SCHOOL) == []


def test_what_a_person_kept_held_is_asked_again_where_it_goes_because_it_is_urgent(
    world: World, context: Context
) -> None:
    receipt = handed_in(world, wish("mum's school"))
    settle(world, context, IN_DOUBT, "/handling/do_not_disclose_to")
    assert corrected(world, receipt, wish("mum's school")) == HELD
    immediate = {"level": "immediate", "reason": "Invented."}
    assert corrected(world, receipt, wish("mum's school", grade=immediate)) == TOLD
    assert states(context, IN_DOUBT) == [(1, "settled"), (3, "open")]


AT_SCHOOL = employed(organisation_code=SCHOOL, title="Caretaker")


def suspect(**changes: Any) -> dict[str, Any]:
    return AT_SCHOOL | {"persons_posing_risk": [AT_SCHOOL["persons_posing_risk"][0] | changes]}


OTHER_SUSPECTS = {
    "another post": employed(organisation_code=SCHOOL, title="Designated safeguarding lead"),
    "another kind of work": employed(
        organisation_code=SCHOOL, title="Caretaker", kind="volunteering"
    ),
    "another name": suspect(family_name="Otherwise"),
}


@pytest.mark.parametrize("name", OTHER_SUSPECTS)
def test_a_release_despite_a_suspect_does_not_count_for_another_one(
    world: World, context: Context, name: str
) -> None:
    receipt = handed_in(world, AT_SCHOOL)
    release(world, receipt)
    assert corrected(world, receipt, AT_SCHOOL) == TOLD
    assert corrected(world, receipt, OTHER_SUSPECTS[name]) == HELD
    assert states(context, SUSPECT) == [(1, "settled"), (3, "open")]
    assert world.collect(SCHOOL) == []


def test_handling_that_nobody_could_read_is_asked_again_where_somebody_new_is_told(
    world: World, context: Context
) -> None:
    unread = {"handling": {"keep_it_from": ["school"]}}
    receipt = handed_in(world, pupil(**unread))
    settle(world, context, UNREAD, "/handling/keep_it_from")
    assert corrected(world, receipt, employed(organisation="Fictional Swimming Club") | unread)
    assert state_of(world.status(receipt), LADO) == TOLD
    assert states(context, UNREAD) == [(1, "settled"), (2, "open")]


LATE = "held-after-sharing"


def test_07_an_embargo_that_comes_after_the_school_has_it_is_a_task(world: World) -> None:
    """The correction is held, so nobody tells the school what it must not do now."""
    world.at("2026-12-16 10:00")
    status = world.routed(pupil())
    assert len(world.collect(SCHOOL)) == 1
    held = embargo(no_contact_with=["school"])
    for summary in ("Invented.", "Invented again."):
        held["concern"]["summary"] = summary
        correct(world, status, held)
        newest = world.status(status)
        assert [item["state"] for item in newest["deliveries"] if item["agency"] == SCHOOL] == [
            "leased",
            "held",
        ]
        (warning,) = [each for each in newest["warnings"] if each["code"] == LATE]
        assert "Cannock Chase Sample High" in warning["message"]
        assert LATE in tasks(world)
    for agency in (SCHOOL, COUNCIL):
        assert LATE not in json.dumps(world.collect(agency))
    correct(world, status, pupil())
    assert LATE not in codes(world.status(status)) | tasks(world)


def test_07_an_embargo_that_comes_before_the_school_has_it_is_no_task(world: World) -> None:
    world.at("2026-12-16 10:00")
    status = world.routed(pupil())
    correct(world, status, embargo(no_contact_with=["school"]))
    assert LATE not in codes(world.status(status)) | tasks(world)
