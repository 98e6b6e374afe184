"""Embargoes: a word before the end, extending one, what words alone hold, and every door."""

from typing import Any

import psycopg
import pytest

from broker.flow.context import Context
from broker.ledger.operator_actions import ActionContext
from tests.acceptance.conftest import World
from tests.acceptance.test_cases import leg
from tests.acceptance.test_cases_disclosure import SCHOOL, pupil
from tests.acceptance.test_versions import correct

ENDING, LONG = "delivery.embargo_ending", "delivery.embargo_long"


def under_embargo(until: str, **rest: Any) -> dict[str, Any]:
    embargo = {"until": until, "reason": "A warrant.", "no_contact_with": ["school"]}
    return pupil() | {"handling": {"embargo": embargo}} | rest


def in_words(**rest: Any) -> dict[str, Any]:
    words = "No contact with family or school before Wed 12:00, call the officer first."
    return pupil() | {"handling": {"instructions": words}} | rest


def kinds(world: World) -> list[str]:
    events = world.client.get("/v1/events", headers=world.police).json()["events"]
    return [event["kind"] for event in events]


def register(world: World, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    answer = world.client.get("/v1/embargoes", headers=headers or world.headers("ops", "ops"))
    assert answer.status_code == 200, answer.text
    return answer.json()["embargoes"]


def act(world: World, delivery: str, turn: str, **body: Any) -> Any:
    return world.client.post(
        f"/v1/deliveries/{delivery}/hold/{turn}", json=body, headers=world.headers("ops", "ops")
    )


def notices(context: Context) -> list[tuple[str, str, str]]:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(
            "select kind, organisation, contact from notice order by created_at, id"
        ).fetchall()


def test_40_the_publisher_is_told_before_an_embargo_ends_and_once(
    world: World, context: Context
) -> None:
    world.at("2026-12-21 10:00")
    world.routed(under_embargo("2026-12-21T18:00:00Z"))
    world.at("2026-12-21 13:59")
    world.watch()
    assert ENDING not in kinds(world)
    world.at("2026-12-21 14:00")
    world.watch()
    world.watch()
    world.at("2026-12-21 17:00")
    world.watch()
    assert kinds(world).count(ENDING) == 1
    told = [notice for notice in notices(context) if notice[0] == ENDING]
    assert told == [(ENDING, "staffordshire-police", "supervisor")]
    assert world.collect(SCHOOL) == []


def test_40_an_embargo_that_a_correction_extends_is_told_of_anew(world: World) -> None:
    world.at("2026-12-21 10:00")
    receipt = world.hand_in(under_embargo("2026-12-21T12:00:00Z"))
    world.drain()
    world.watch()
    assert kinds(world).count(ENDING) == 1
    correct(world, receipt, under_embargo("2026-12-22T12:00:00Z"))
    world.drain()
    world.watch()
    assert kinds(world).count(ENDING) == 1
    assert world.local(register(world)[0]["until"]) == "2026-12-22 12:00"
    world.at("2026-12-22 09:00")
    world.watch()
    assert kinds(world).count(ENDING) == 2


def test_40_an_operator_extends_it_and_a_correction_does_not_shorten_it(world: World) -> None:
    world.at("2026-12-21 10:00")
    receipt = world.hand_in(under_embargo("2026-12-21T12:00:00Z"))
    world.drain()
    held = leg(world.status(receipt), SCHOOL)
    until = "2027-01-05T12:00:00Z"
    answer = act(world, held["id"], "extend", until=until, reason="The warrant has slipped.")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"delivery": held["id"], "state": "held"}
    world.at("2026-12-21 13:00")
    changed = under_embargo("2026-12-21T12:00:00Z")
    changed["concern"]["summary"] = "More is known."
    correct(world, receipt, changed)
    world.drain()
    world.drain()
    held = leg(world.status(receipt), SCHOOL)
    assert (held["state"], world.local(held["available_at"])) == ("held", "2027-01-05 12:00")
    assert world.local(held["deadlines"]["acknowledge_by"]) == "2027-01-06 08:30"
    assert world.collect(SCHOOL) == []
    assert "delivery.hold_extended" in kinds(world)
    correct(world, receipt, under_embargo("2026-12-30T12:00:00Z"))
    world.drain()
    assert world.local(leg(world.status(receipt), SCHOOL)["available_at"]) == "2026-12-30 12:00"


@pytest.mark.parametrize(
    "until", ["2026-12-21T09:00:00Z", "2026-12-21T11:00:00Z", "2026-12-21T12:00:00Z"]
)
def test_40_an_extension_is_later_than_the_end(world: World, until: str) -> None:
    world.at("2026-12-21 10:00")
    held = leg(world.routed(under_embargo("2026-12-21T12:00:00Z")), SCHOOL)
    answer = act(world, held["id"], "extend", until=until, reason="No.")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/until"


def test_40_an_embargo_over_four_weeks_is_warned_of_again(world: World) -> None:
    world.at("2026-12-21 10:00")
    status = world.routed(under_embargo("2031-01-01T12:00:00Z"))
    assert "embargo-long" in [warning["code"] for warning in status["warnings"]]
    for day, count in (("2027-01-17", 0), ("2027-01-18", 1), ("2027-02-14", 1), ("2027-02-15", 2)):
        world.at(f"{day} 10:00")
        world.watch()
        assert kinds(world).count(LONG) == count, day
    assert ENDING not in kinds(world)


def test_40_the_register_is_a_publishers_own_and_all_of_it_for_ops(world: World) -> None:
    world.at("2026-12-21 10:00")
    first = leg(world.routed(under_embargo("2026-12-24T12:00:00Z")), SCHOOL)
    second = leg(world.routed(in_words(reference="WORDS/1")), SCHOOL)
    listed = [
        (item["delivery"], item["agency"], world.local(item["until"])) for item in register(world)
    ]
    assert listed == [
        (first["id"], SCHOOL, "2026-12-24 12:00"),
        (second["id"], SCHOOL, None),
    ]
    assert register(world, world.police) == register(world)
    other = world.headers("west-mercia-police", "publish")
    assert register(world, other) == []
    agency = world.headers(SCHOOL, "collect")
    assert world.client.get("/v1/embargoes", headers=agency).status_code == 403


def test_40_what_words_hold_is_for_a_person_and_goes_when_released(world: World) -> None:
    world.at("2026-12-21 10:00")
    held = leg(world.routed(in_words()), SCHOOL)
    lists = world.client.get("/v1/attention", headers=world.headers("ops", "ops")).json()
    assert [(item["delivery"], item["reason"]) for item in lists["held"]] == [
        (held["id"], "awaits_release")
    ]
    assert [task["code"] for task in lists["task"]] == ["embargo-in-words"]
    assert act(world, held["id"], "keep", reason="Not yet.").status_code == 200
    assert world.collect(SCHOOL) == []
    world.at("2026-12-21 11:00")
    assert act(world, held["id"], "release", reason="He is arrested.").status_code == 200
    (offered,) = world.collect(SCHOOL)
    assert offered["delivery"] == held["id"]
    assert act(world, held["id"], "keep", reason="Too late.").status_code == 409


def test_40_an_end_may_be_given_to_what_words_hold(world: World) -> None:
    world.at("2026-12-21 10:00")
    held = leg(world.routed(in_words()), SCHOOL)
    body = {"until": "2026-12-23T12:00:00Z", "reason": "The officer says Wednesday noon."}
    assert act(world, held["id"], "extend", **body).status_code == 200
    assert world.local(register(world)[0]["until"]) == "2026-12-23 12:00"


@pytest.mark.parametrize("turn", ["release", "keep", "extend"])
@pytest.mark.parametrize(
    ("organisation", "scope"), [("staffordshire-police", "publish"), (SCHOOL, "collect")]
)
def test_only_ops_decides_about_a_hold(
    world: World, turn: str, organisation: str, scope: str
) -> None:
    world.at("2026-12-21 10:00")
    held = leg(world.routed(in_words()), SCHOOL)
    body = {"reason": "Mine."} | ({"until": "2027-01-05T12:00:00Z"} if turn == "extend" else {})
    headers = world.headers(organisation, scope)
    path = f"/v1/deliveries/{held['id']}/hold/{turn}"
    assert world.client.post(path, json=body, headers=headers).status_code == 403
    assert [item["until"] for item in register(world)] == [None]


def test_40_without_a_reason_nothing_is_decided(world: World) -> None:
    world.at("2026-12-21 10:00")
    held = leg(world.routed(in_words()), SCHOOL)
    assert act(world, held["id"], "release").status_code == 422
    assert act(world, held["id"], "release", reason=" . ").status_code == 422
    assert world.collect(SCHOOL) == []


def tasks(context: Context) -> list[tuple[Any, ...]]:
    """Return each task with its state, who settled it and why, and whether an alarm is planned."""
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(
            "select code, state, settled_by, settled_because, next_alarm_at is not null"
            " from task order by opened_at, code"
        ).fetchall()


def two_pupils() -> dict[str, Any]:
    """Return a referral of children at two schools, held because of words."""
    document = in_words()
    school = {"urn": "900001", "name": "Etruria Sample Primary"}
    second = {**document["children"][0], "id": "child-2", "given_name": "Rowan", "school": school}
    document["children"].append(second)
    return document


def held_legs(status: dict[str, Any]) -> list[str]:
    return [part["id"] for part in status["deliveries"] if part["state"] == "held"]


DECISIONS: dict[str, dict[str, str]] = {
    "release": {"reason": "He is arrested."},
    "keep": {"reason": "The officer asks for more time."},
    "extend": {"reason": "Until Wednesday noon.", "until": "2026-12-23T12:00:00Z"},
}
BY_A_PERSON = ("release", "keep", "extend")


@pytest.mark.parametrize("turn", BY_A_PERSON)
def test_40_a_decision_settles_the_task_that_asked_for_it(
    world: World, context: Context, turn: str
) -> None:
    world.at("2026-12-21 10:00")
    held = leg(world.routed(in_words()), SCHOOL)
    assert tasks(context) == [("embargo-in-words", "open", None, None, True)]
    assert act(world, held["id"], turn, **DECISIONS[turn]).status_code == 200
    ((code, state, by, because, rings),) = tasks(context)
    assert (code, state, because, rings) == (
        "embargo-in-words",
        "settled",
        DECISIONS[turn]["reason"],
        False,
    )
    assert by
    assert "referral.task_settled" in kinds(world)


@pytest.mark.parametrize("turn", BY_A_PERSON)
@pytest.mark.parametrize("other", BY_A_PERSON)
def test_40_of_two_that_words_hold_the_last_decision_settles_it(
    world: World, context: Context, turn: str, other: str
) -> None:
    world.at("2026-12-21 10:00")
    first, second = held_legs(world.routed(two_pupils()))
    assert act(world, first, turn, **DECISIONS[turn]).status_code == 200
    assert [row[1] for row in tasks(context)] == ["open"]
    assert act(world, second, other, **DECISIONS[other]).status_code == 200
    assert [row[1] for row in tasks(context)] == ["settled"]


def test_40_a_decision_about_one_cause_leaves_the_task_of_another(
    world: World, context: Context
) -> None:
    """One school is held because of words, the other because a person posing risk is there."""
    world.at("2026-12-21 10:00")
    document = two_pupils()
    role = {"kind": "employment", "organisation_code": "school-900001", "works_with_children": True}
    person = {"id": "suspect", "given_name": "Lucian", "family_name": "Marchbanks"}
    document["persons_posing_risk"] = [{**person, "area": "E10000028", "roles": [role]}]
    status = world.routed(document)
    opened = {row[0]: row[1] for row in tasks(context)}
    assert opened["embargo-in-words"] == opened["suspect-at-recipient"] == "open"
    assert act(world, leg(status, "school-900001")["id"], "keep", reason="Not yet.").is_success
    states = {row[0]: row[1] for row in tasks(context)}
    assert states == {**opened, "suspect-at-recipient": "settled"}


def test_40_what_was_released_meanwhile_is_not_kept(world: World, context: Context) -> None:
    world.at("2026-12-21 10:00")
    held = leg(world.routed(in_words()), SCHOOL)
    assert act(world, held["id"], "release", reason="He is arrested.").status_code == 200
    action = ActionContext(context.new_id(), "person:J", "Not yet.", context.clock())
    assert not context.ledger.holds.keep(held["id"], action)
    assert "delivery.hold_kept" not in kinds(world)


def changed_summary(document: dict[str, Any], **handling: Any) -> dict[str, Any]:
    """Return a document with more in its summary, and in its handling what is given."""
    concern = {**document["concern"], "summary": "More is known."}
    return {**document, "concern": concern, "handling": {**document["handling"], **handling}}


def decided(world: World, turn: str) -> dict[str, Any]:
    """Hand in what words hold, decide so about the school's part; return the receipt an hour on."""
    world.at("2026-12-21 10:00")
    receipt = world.hand_in(in_words())
    world.drain()
    held = leg(world.status(receipt), SCHOOL)
    assert act(world, held["id"], turn, **DECISIONS[turn]).status_code == 200
    world.at("2026-12-21 11:00")
    return receipt


@pytest.mark.parametrize("turn", BY_A_PERSON)
def test_40_a_correction_does_not_ask_again_what_a_person_has_decided(
    world: World, context: Context, turn: str
) -> None:
    receipt = decided(world, turn)
    correct(world, receipt, changed_summary(in_words()))
    assert [row[1] for row in tasks(context)] == ["settled"]
    assert [row[2] for row in tasks(context)] == [tasks(context)[0][2]]
    # A second one looks at the version of the task, not at the one before.
    correct(world, receipt, changed_summary(in_words(), marking="OFFICIAL"))
    assert [row[1] for row in tasks(context)] == ["settled"]
    state = leg(world.status(receipt), SCHOOL)["state"]
    assert state == ("available" if turn == "release" else "held")


@pytest.mark.parametrize("turn", BY_A_PERSON)
def test_40_a_correction_asks_again_where_the_words_have_changed(
    world: World, context: Context, turn: str
) -> None:
    receipt = decided(world, turn)
    words = "No contact with the school before Friday 12:00: the arrest has moved."
    correct(world, receipt, changed_summary(in_words(), instructions=words))
    assert [row[1] for row in tasks(context)] == ["settled", "open"]
    assert leg(world.status(receipt), SCHOOL)["state"] == "held"
    assert world.collect(SCHOOL) == []


@pytest.mark.parametrize("is_collected", [False, True])
@pytest.mark.parametrize("in_what", [in_words, lambda: under_embargo("2026-12-23T12:00:00Z")])
def test_40_what_a_person_has_released_stays_so_through_corrections(
    world: World, in_what: Any, *, is_collected: bool
) -> None:
    world.at("2026-12-21 10:00")
    receipt = world.hand_in(in_what())
    world.drain()
    held = leg(world.status(receipt), SCHOOL)
    assert act(world, held["id"], "release", reason="He is arrested.").status_code == 200
    for number, name in enumerate(("Isolda", "Isolde", "Izzy"), start=2):
        if is_collected:
            assert [each["version"] for each in world.collect(SCHOOL)] == [number - 1]
        document = changed_summary(in_what())
        document["children"][0]["given_name"] = name
        correct(world, receipt, document)
    status = world.status(receipt)
    assert "held" not in {part["state"] for part in status["deliveries"]}
    assert [each["content"]["children"][0]["given_name"] for each in world.collect(SCHOOL)] == [
        "Izzy"
    ]


def test_40_a_correction_asks_again_where_something_else_is_held(
    world: World, context: Context
) -> None:
    receipt = decided(world, "release")
    correct(world, receipt, two_pupils())
    assert leg(world.status(receipt), "school-900001")["state"] == "held"
    assert [row[1] for row in tasks(context)] == ["settled", "open"]


def suspect_at_school(summary: str, title: str = "Caretaker") -> dict[str, Any]:
    document = pupil()
    role = {"kind": "employment", "title": title, "organisation_code": SCHOOL}
    role["works_with_children"] = False
    person = {"id": "suspect", "given_name": "Lucian", "date_of_birth": "1980-01-01"}
    document["persons_posing_risk"] = [{**person, "area": "E10000028", "roles": [role]}]
    document["concern"] = {**document["concern"], "summary": summary}
    return document


def test_25_a_correction_does_not_ask_again_about_a_suspect_at_the_school(
    world: World, context: Context
) -> None:
    world.at("2026-12-21 10:00")
    receipt = world.hand_in(suspect_at_school("One."))
    world.drain()
    held = leg(world.status(receipt), SCHOOL)
    assert act(world, held["id"], "keep", reason="The head is told by us.").status_code == 200
    states = [row[:2] for row in tasks(context) if row[0] == "suspect-at-recipient"]
    assert states == [("suspect-at-recipient", "settled")]
    correct(world, receipt, suspect_at_school("Two.", title="Former caretaker"))
    after = [row[:2] for row in tasks(context) if row[0] == "suspect-at-recipient"]
    assert after == states
    moved = suspect_at_school("Two.")
    moved["children"][0]["school"] = {"urn": "900001", "name": "Slipware Lane Academy"}
    moved["persons_posing_risk"][0]["roles"][0]["organisation_code"] = "school-900001"
    correct(world, receipt, moved)
    after = [row[:2] for row in tasks(context) if row[0] == "suspect-at-recipient"]
    assert after == [*states, ("suspect-at-recipient", "open")]
