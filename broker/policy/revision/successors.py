"""Deliveries that go on from an earlier one: moved to a new version, corrected, recalled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from broker.domain.codes import DeliveryKind, Grade
from broker.domain.states import DeliveryState
from broker.policy.language.directory import Organisation
from broker.policy.published.policy import Policy
from broker.policy.revision.issued import EarlierDelivery
from broker.policy.routing.assignments import (
    REASONS,
    RELEASED,
    Addressee,
    Assignment,
    Draft,
    Reason,
    Start,
    Terms,
    finish,
    reasons_in,
)
from schemas.codes import Nation


def move(
    earlier: EarlierDelivery,
    assignment: Assignment,
    version: int,
    at: datetime,
    *,
    released: Mapping[str, Any] | None,
) -> EarlierDelivery:
    """Return a delivery that nobody was offered with the content of another version.

    Its clock keeps its start, unless an embargo begins or ends with the new version before the
    clock has run at all. ``released`` is the hold from which a person has released it, where that
    counts for this version.
    """
    held = assignment.held_until is not None and assignment.held_until > at
    held = held and not _is_released(assignment, released)
    moved = replace(
        earlier,
        version=version,
        view=assignment.view,
        scope=assignment.scope,
        state=DeliveryState.HELD if held else DeliveryState.AVAILABLE,
        available_at=assignment.held_until
        if held and assignment.held_until
        else min(earlier.available_at, at),
        explanation=_explained(earlier, assignment, released),
    )
    if earlier.kind is DeliveryKind.CORRECTION or not (held or earlier.clock_start > at):
        return moved
    deadlines = {"deadlines": assignment.explanation["deadlines"]}
    return replace(
        moved,
        clock_start=assignment.clock_start,
        due=assignment.due,
        explanation={**moved.explanation, **deadlines},
    )


def keep_extended(
    earlier: EarlierDelivery, assignment: Assignment, version: int
) -> EarlierDelivery:
    """Return a held delivery to which a person gave another end, with another version's content.

    It is for a version that repeats the embargo as it was: its end, and its clock, stay.
    """
    explained = {**_explained(earlier, assignment, None), "hold": earlier.explanation["hold"]}
    return replace(
        earlier,
        version=version,
        view=assignment.view,
        scope=assignment.scope,
        explanation=explained,
    )


def again(
    last: EarlierDelivery, assignment: Assignment, grade: Grade, at: datetime, policy: Policy
) -> Assignment:
    """Return what was given back for the same agency again; its clock keeps its start."""
    rule = next((rule for rule in policy.routing_rules if rule.id == assignment.row), None)
    organisation = policy.directory.organisation(last.agency)
    held = assignment.held_until is not None and assignment.held_until > at
    if rule is None or organisation is None or held:
        return assignment
    draft = Draft(
        Terms.of(rule, grade),
        Addressee.of(
            organisation,
            assignment.explanation["recipient"],
            _office(last, policy),
        ),
        Start(last.clock_start),
    )
    _include(
        draft,
        assignment,
        [
            *reasons_in(assignment.explanation),
            Reason("the police completed what you gave back"),
        ],
    )
    return finish(draft, warn_at=policy.alarms.warn_at)


def amend(  # noqa: PLR0913 - each is a fact about the version
    kind: DeliveryKind,
    last: EarlierDelivery,
    assignment: Assignment | None,
    *,
    because: Sequence[str],
    at: datetime,
    policy: Policy,
    released: Mapping[str, Any] | None = None,
) -> Assignment:
    """Return a correction, or a recall, for the agency that had a delivery.

    Its deadlines are its own: they count from when the publisher said so, or from the end of an
    embargo that came with the new version and that no person has released (``released``, as in
    ``move``).
    """
    terms, addressee = _terms(kind, last, assignment, policy), _addressee(last, policy)
    start = Start(at) if _is_released(assignment, released) else _start(assignment, at)
    draft = Draft(terms, addressee, start)
    _include(draft, assignment, [Reason(words) for words in because])
    amended = finish(draft, warn_at=policy.alarms.warn_at)
    if released is None:
        return amended
    return replace(amended, explanation={**amended.explanation, RELEASED: released})


def released_from(earlier: EarlierDelivery) -> Mapping[str, Any] | None:
    """Return the hold from which a person released a delivery; None where nobody did.

    One that waits for a person and is held no longer was released by one.
    """
    if earlier.state is DeliveryState.HELD:
        return None
    released: Mapping[str, Any] | None = earlier.explanation.get(RELEASED)
    hold = earlier.explanation.get("hold")
    is_for_a_person = hold is not None and hold["until"] is None
    return released or (hold if is_for_a_person else None)


def _is_released(assignment: Assignment | None, released: Mapping[str, Any] | None) -> bool:
    """Tell whether a version would hold for the cause of which a person has released it."""
    hold = assignment.explanation["hold"] if assignment else None
    return hold is not None and released is not None and released.get("code") == hold["code"]


def _explained(
    earlier: EarlierDelivery, assignment: Assignment, released: Mapping[str, Any] | None
) -> Mapping[str, object]:
    """Keep why this agency has it; the facts because of which are those of the new version."""
    hold = None if _is_released(assignment, released) else assignment.explanation["hold"]
    explained = {**earlier.explanation, "hold": hold, RELEASED: released}
    if released is None:
        del explained[RELEASED]
    if earlier.kind is DeliveryKind.REFERRAL and earlier.agency == assignment.agency:
        explained["because"] = assignment.explanation["because"]
        explained[REASONS] = assignment.explanation[REASONS]
    return explained


def _include(draft: Draft, assignment: Assignment | None, because: Sequence[Reason]) -> None:
    draft.because.update(dict.fromkeys(because))
    if assignment is not None:
        draft.children.update(dict.fromkeys(assignment.children))
        draft.persons.update(dict.fromkeys(assignment.persons))


def _start(assignment: Assignment | None, at: datetime) -> Start:
    until = assignment.held_until if assignment is not None else None
    if assignment is None or until is None or until <= at:
        return Start(at)
    hold = assignment.explanation["hold"]
    return Start(until, None, until, hold["reason"], hold["code"])


def _terms(
    kind: DeliveryKind, last: EarlierDelivery, assignment: Assignment | None, policy: Policy
) -> Terms:
    version_rules = policy.version_rules[kind]
    return Terms(
        row=last.row,
        sentence=version_rules.sentence,
        basis=version_rules.basis,
        source=version_rules.source,
        role=assignment.role if assignment else last.role,
        view=assignment.view if assignment else last.view,
        deadlines=version_rules.deadlines,
    )


def _office(last: EarlierDelivery, policy: Policy) -> Organisation | None:
    """Return the office for which a team out of hours had a delivery, where there is one."""
    return policy.directory.organisation(last.stands_in_for or "")


def _addressee(last: EarlierDelivery, policy: Policy) -> Addressee:
    """Return the agency that had it, also when the directory has dropped it since."""
    organisation = policy.directory.organisation(last.agency)
    if organisation is not None:
        words = f"{organisation.name}, who had it"
        return Addressee.of(organisation, words, _office(last, policy))
    calendar = policy.calendars[Nation.ENGLAND]
    return Addressee(last.agency, last.channel, calendar, f"{last.agency}, who had it")
