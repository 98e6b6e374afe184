"""What a new version means for earlier recipients: a pure decision over values."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from broker.channels.registry import CHANNELS
from broker.domain import task
from broker.domain.codes import DeliveryKind, Grade, Milestone
from broker.domain.ids import DeliveryId
from broker.domain.states import DELIVERY_STEPS, DeliveryState
from broker.policy.language.version_rules import UNWRITTEN
from broker.policy.published.policy import Policy, assemble, documents_from
from broker.policy.revision.issued import EarlierDelivery
from broker.policy.revision.regrade import Regrade, reschedule
from broker.policy.revision.revise import JudgedVersion, revise, withdraw
from broker.policy.revision.settled_tasks import deciding
from broker.policy.revision.version_document import VersionDocument
from broker.policy.routing.assignments import Assignment
from broker.policy.routing.plan import route
from schemas.tolerance import reload
from tests.acceptance.conftest import sample
from tests.conftest import POLICIES

FIRST = datetime(2027, 4, 7, 9, 0, tzinfo=UTC)
SECOND = FIRST + timedelta(hours=2)
ENDED = {DeliveryState.DECIDED, DeliveryState.RETURNED, DeliveryState.RECALLED}
_numbers = itertools.count(1)


def document(level: str = "low", area: str = "E10000028") -> dict[str, Any]:
    found = sample(1)
    found["grade"]["level"] = str(level)
    found["children"][0]["area"] = area
    return found


def assignments(book: Policy, of: dict[str, Any], at: datetime = FIRST) -> tuple[Assignment, ...]:
    plan = route(reload(of), publisher="p", policy=book, accepted_at=at, now=at, areas={})
    assert not plan.unroutable_reason
    return plan.assignments


def had(assignment: Assignment, **changes: Any) -> EarlierDelivery:
    """Return the delivery of a leg, offered and collected unless told otherwise."""
    one = EarlierDelivery(
        id=DeliveryId(UUID(int=next(_numbers))),
        agency=assignment.agency,
        channel=assignment.channel,
        role=assignment.role,
        row=assignment.row,
        view=assignment.view,
        scope={"children": assignment.children, "persons": assignment.persons},
        state=DeliveryState.COLLECTED,
        kind=DeliveryKind.REFERRAL,
        version=1,
        attempt=1,
        available_at=FIRST,
        clock_start=assignment.clock_start,
        due=assignment.due,
        met={},
        explanation=assignment.explanation,
        replaces=None,
    )
    return replace(one, **changes)


def second(book: Policy, of: dict[str, Any], before: dict[str, Any]) -> JudgedVersion:
    grades = [Grade(document["grade"]["level"]) for document in (before, of)]
    regrade = None if grades[0] is grades[1] else Regrade(*grades, SECOND)
    documents = {1: VersionDocument(before), 2: VersionDocument(of)}
    return JudgedVersion(
        2, SECOND, grades[1], assignments(book, of, SECOND), documents, regrade, book
    )


@pytest.mark.parametrize("state", DeliveryState)
@pytest.mark.parametrize("attempt", [0, 1, 2])
@pytest.mark.parametrize("area", ["E10000028", "E06000051"])
def test_every_change_of_a_state_is_a_legal_step(
    book: Policy, state: DeliveryState, attempt: int, area: str
) -> None:
    first = document()
    (assignment,) = assignments(book, first)
    one = had(assignment, state=state, attempt=attempt)
    for changed in revise([one], second(book, document(area=area), first)).changed:
        before, after = changed.was.state, changed.now.state
        assert before is after or after in DELIVERY_STEPS[before].values()
        assert (changed.now.id, changed.now.agency) == (one.id, one.agency)


@pytest.mark.parametrize("state", DeliveryState)
@pytest.mark.parametrize("attempt", [0, 1])
def test_whoever_may_have_something_is_told_of_a_correction_and_of_a_recall(
    book: Policy, state: DeliveryState, attempt: int
) -> None:
    first = document()
    (assignment,) = assignments(book, first)
    one = had(assignment, state=state, attempt=attempt)
    other = document()
    other["concern"]["summary"] = "Another."
    new = second(book, other, first)
    revision = revise([one], new)
    told = [each for each in revision.issued if each.assignment.agency == one.agency]
    moved = [each for each in revision.changed if each.now.version == 2]
    assert len(told) + len(moved) == 1
    assert bool(moved) is one.is_unoffered
    recalled = withdraw([one], reason="unlawful", at=SECOND, policy=book).issued
    assert [each.kind for each in recalled] == ([DeliveryKind.RECALL] if one.was_offered else [])


def test_who_sees_no_change_is_told_of_none(book: Policy) -> None:
    first = document()
    (assignment,) = assignments(book, first)
    revision = revise([had(assignment)], second(book, document(), first))
    assert (revision.issued, revision.changed) == ((), ())


def test_it_is_recalled_once_from_an_agency_that_had_several_parts(book: Policy) -> None:
    (assignment,) = assignments(book, document())
    several = [had(assignment), had(replace(assignment, row="home-authority"))]
    (told,) = withdraw(several, reason="unlawful", at=SECOND, policy=book).issued
    assert (told.kind, told.follows) == (DeliveryKind.RECALL, several[-1].id)
    assert told.assignment.explanation["recall_reason"] == "unlawful"


def test_nobody_is_asked_twice_to_destroy_the_same(book: Policy) -> None:
    (assignment,) = assignments(book, document())
    one = had(assignment, state=DeliveryState.RECALLED)
    asked = had(
        assignment, kind=DeliveryKind.RECALL, state=DeliveryState.AVAILABLE, attempt=0, version=2
    )
    elsewhere = second(book, document(area="E06000051"), document())
    revision = revise([one, asked], replace(elsewhere, number=3, documents={1: {}, 3: {}}))
    assert [each.assignment.agency for each in revision.issued] == ["shropshire-csc"]
    assert withdraw([one, asked], reason="unlawful", at=SECOND, policy=book).issued == ()


def test_whoever_was_left_out_and_is_concerned_again_gets_an_ordinary_delivery(
    book: Policy,
) -> None:
    (assignment,) = assignments(book, document())
    one = had(assignment, state=DeliveryState.RECALLED)
    asked = had(assignment, kind=DeliveryKind.RECALL, state=DeliveryState.DECIDED, version=2)
    revision = revise([one, asked], second(book, document(), document()))
    assert [(each.kind, each.assignment.agency) for each in revision.issued] == [
        (DeliveryKind.REFERRAL, assignment.agency)
    ]


def test_an_unseen_correction_is_moved_on_and_keeps_its_deadline(book: Policy) -> None:
    first = document()
    (assignment,) = assignments(book, first)
    one = had(assignment)
    changed = document()
    changed["concern"]["summary"] = "Changed."
    (issued,) = revise([one], second(book, changed, first)).issued
    waiting = had(
        issued.assignment,
        kind=DeliveryKind.CORRECTION,
        state=DeliveryState.AVAILABLE,
        attempt=0,
        version=2,
    )
    other = document()
    other["concern"]["summary"] = "Another."
    later = second(book, other, first)
    third = replace(
        later,
        number=3,
        received_at=SECOND + timedelta(hours=1),
        documents={
            number: VersionDocument(each)
            for number, each in enumerate((first, changed, other), start=1)
        },
    )
    revision = revise([one, waiting], third)
    assert revision.issued == ()
    (moved,) = revision.changed
    assert (moved.now.version, moved.now.due) == (3, waiting.due)
    assert moved.now.explanation["changed"] == ["concern"]
    assert moved.now.explanation["because"] == ["this is version 3"]


def test_an_unseen_correction_keeps_the_end_that_a_person_gave_to_its_hold(book: Policy) -> None:
    first, changed, other = document(), document(), document()
    changed["concern"]["summary"], other["concern"]["summary"] = "Changed.", "Another."
    (assignment,) = assignments(book, first)
    one = had(assignment)
    (issued,) = revise([one], second(book, changed, first)).issued
    hold = {"until": "2027-05-01T09:00:00+00:00", "given": None, "reason": "x", "code": None}
    held = had(
        issued.assignment,
        kind=DeliveryKind.CORRECTION,
        state=DeliveryState.HELD,
        attempt=0,
        version=2,
        explanation={**issued.assignment.explanation, "hold": hold},
    )
    third = replace(
        second(book, other, first),
        number=3,
        documents={
            number: VersionDocument(each)
            for number, each in enumerate((first, changed, other), start=1)
        },
    )
    (moved,) = revise([one, held], third).changed
    assert (moved.now.version, moved.now.state) == (3, DeliveryState.HELD)
    assert moved.now.explanation["hold"] == hold


@pytest.mark.parametrize("before", Grade)
@pytest.mark.parametrize("after", Grade)
@pytest.mark.parametrize("hours", [0, 1, 5, 30, 100])
def test_a_regrade_keeps_to_its_rule_whenever_it_comes(
    book: Policy, before: Grade, after: Grade, hours: int
) -> None:
    (assignment,) = assignments(book, document(before))
    one, at = had(assignment), FIRST + timedelta(hours=hours)
    found = reschedule(one, Regrade(before, after, at), book)
    due = found[0].due if found else one.due
    if list(Grade).index(after) < list(Grade).index(before):
        assert all(due[milestone] <= one.due[milestone] for milestone in one.due)
    else:
        (fresh,) = assignments(book, document(after))
        assert due == fresh.due
    if found:
        assert found[0].clock_start == one.clock_start
        said = {each["milestone"]: each["due_at"] for each in found[0].explanation["deadlines"]}
        assert said == {str(m): at.isoformat() for m, at in due.items()}
        back = reschedule(found[0], Regrade(after, before, at), book)
        if list(Grade).index(after) < list(Grade).index(before):
            assert back is not None
            assert back[0].due == one.due


def test_what_was_met_stays_judged_by_the_deadline_of_its_time(book: Policy) -> None:
    (assignment,) = assignments(book, document("low"))
    one = had(assignment, met={Milestone.ACKNOWLEDGE: FIRST})
    regrade = Regrade(Grade.LOW, Grade.IMMEDIATE, FIRST + timedelta(hours=1))
    assert reschedule(one, regrade, book) is None


def test_an_agency_that_left_the_directory_is_told_all_the_same(book: Policy) -> None:
    (assignment,) = assignments(book, document())
    gone = had(replace(assignment, agency="gone-csc"))
    (told,) = withdraw([gone], reason="unlawful", at=SECOND, policy=book).issued
    assert told.assignment.agency == "gone-csc"
    assert set(told.assignment.due) == {Milestone.ACKNOWLEDGE, Milestone.DECIDE}


def test_a_policy_of_before_versions_is_still_sound_and_strict() -> None:
    documents = documents_from(POLICIES)
    text = documents["policy.yaml"]
    head, _, rest = text.partition("versions:\n")
    old = documents | {"policy.yaml": head + "rows:\n" + rest.partition("rows:\n")[2]}
    book, faults = assemble(old, version="old", channels=CHANNELS.forms)
    assert faults == []
    assert book is not None
    assert book.version_rules == UNWRITTEN


def test_a_correction_that_nobody_must_acknowledge_is_a_fault_of_the_policy() -> None:
    documents = documents_from(POLICIES)
    text = documents["policy.yaml"].replace(
        "deadlines: {acknowledge: 4 working hours}", "deadlines: {decide: 1 working day}"
    )
    faults = assemble(documents | {"policy.yaml": text}, version="wrong", channels=CHANNELS.forms)[
        1
    ]
    assert [fault.code for fault in faults] == ["deadline-missing"]


@pytest.mark.parametrize("code", [task.WISH_IN_DOUBT, task.HANDLING_UNREAD])
def test_another_wish_decides_a_hold_in_doubt_anew(code: str) -> None:
    before, after = (
        {"handling": {"do_not_disclose_to": [wish]}} for wish in ("mum's school", "Cannock Chase")
    )
    first, second, same = map(VersionDocument, (before, after, {**before, "grade": "immediate"}))
    assert deciding(code, first) != deciding(code, second)
    assert deciding(code, first) == deciding(code, same)
