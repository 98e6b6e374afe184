"""Deliveries that go on from an earlier one: moved to a new version, corrected, recalled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from broker.domain.codes import Grade, Kind
from broker.domain.ids import OrganisationCode
from broker.domain.states import DeliveryState
from broker.policy.language.conditions import Condition
from broker.policy.language.directory import Organisation
from broker.policy.language.rules import Row
from broker.policy.published.policy import Policy
from broker.policy.revision.issued import Earlier
from broker.policy.routing.assignments import Draft, Leg, Start, finish

_ALWAYS = Condition("true", (), frozenset({()}))


def move(earlier: Earlier, leg: Leg, version: int, at: datetime) -> Earlier:
    """Return a delivery that nobody was offered with the content of another version.

    Its clock keeps its start, unless an embargo begins or ends with the new version before the
    clock has run at all.
    """
    held = leg.held_until is not None and leg.held_until > at
    moved = replace(
        earlier,
        version=version,
        view=leg.view,
        scope=leg.scope,
        state=DeliveryState.HELD if held else DeliveryState.AVAILABLE,
        available_at=leg.held_until if held and leg.held_until else min(earlier.available_at, at),
        explanation=_explained(earlier, leg),
    )
    if earlier.kind is Kind.CORRECTION or not (held or earlier.clock_start > at):
        return moved
    deadlines = {"deadlines": leg.explanation["deadlines"]}
    return replace(
        moved,
        clock_start=leg.clock_start,
        due=leg.due,
        explanation={**moved.explanation, **deadlines},
    )


def again(last: Earlier, leg: Leg, grade: Grade, at: datetime, policy: Policy) -> Leg:
    """Return what was given back for the same agency again; its clock keeps its start."""
    row = next((row for row in policy.rows if row.id == leg.row), None)
    organisation = policy.directory.organisation(last.agency)
    held = leg.held_until is not None and leg.held_until > at
    if row is None or organisation is None or held:
        return leg
    draft = Draft(row, organisation, leg.explanation["recipient"])
    _include(draft, leg, [*leg.explanation["because"], "the police completed what you gave back"])
    start = Start(last.clock_start)
    return finish(draft, grade=grade, start=start, warn_at=policy.alarms.warn_at)


def amend(
    kind: Kind,
    last: Earlier,
    leg: Leg | None,
    *,
    because: Sequence[str],
    at: datetime,
    policy: Policy,
) -> Leg:
    """Return a correction, or a recall, for the agency that had a delivery.

    Its deadlines are its own: they count from when the publisher said so, or from the end of an
    embargo that came with the new version.
    """
    organisation = _organisation(last, policy)
    draft = Draft(_row(kind, last, leg, policy), organisation, f"{organisation.name}, who had it")
    _include(draft, leg, because)
    # Every grade has the same deadlines here.
    start, warn_at = _start(leg, at), policy.alarms.warn_at
    return finish(draft, grade=Grade.IMMEDIATE, start=start, warn_at=warn_at)


def _explained(earlier: Earlier, leg: Leg) -> Mapping[str, object]:
    """Keep why this agency has it; the facts because of which are those of the new version."""
    explained = {**earlier.explanation, "hold": leg.explanation["hold"]}
    if earlier.kind is Kind.REFERRAL and earlier.agency == leg.agency:
        explained["because"] = leg.explanation["because"]
    return explained


def _include(draft: Draft, leg: Leg | None, because: Sequence[str]) -> None:
    draft.because.update(dict.fromkeys(because))
    if leg is not None:
        draft.children.update(dict.fromkeys(leg.children))
        draft.persons.update(dict.fromkeys(leg.persons))


def _start(leg: Leg | None, at: datetime) -> Start:
    until = leg.held_until if leg is not None else None
    if leg is None or until is None or until <= at:
        return Start(at)
    return Start(until, None, until, leg.explanation["hold"]["reason"])


def _row(kind: Kind, last: Earlier, leg: Leg | None, policy: Policy) -> Row:
    amends = policy.amends[kind]
    return Row(
        id=last.row,
        sentence=amends.sentence,
        basis=amends.basis,
        source=amends.source,
        subject="referral",
        condition=_ALWAYS,
        kind="",
        place_of="anywhere",
        role=leg.role if leg else last.role,
        view=leg.view if leg else last.view,
        deadlines=dict.fromkeys(Grade, amends.deadlines),
        sees=frozenset(),
        held_by=frozenset(),
        out_of_hours=False,
        effective_from=date.min,
        effective_until=None,
        place=amends.place,
    )


def _organisation(last: Earlier, policy: Policy) -> Organisation:
    """Return the agency; one that the directory has dropped is told all the same."""
    found = policy.directory.organisation(last.agency)
    return found or Organisation(
        code=OrganisationCode(last.agency),
        name=last.agency,
        kind="",
        nation="ENG",
        channel=last.channel,
        areas=(),
        effective_from=date.min,
        effective_until=None,
        always_open=False,
        hours={},
        contacts={},
        closures={},
        out_of_hours_partner=None,
        urn=None,
        school_days=None,
        place="",
        calendar=policy.calendars["ENG"],
    )
