"""One assignment of a plan: what one agency gets, why, and by when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Self

from broker.domain.codes import Grade, Milestone, Role
from broker.domain.ids import OrganisationCode
from broker.policy.language.directory import Organisation
from broker.policy.language.rules import Clock, RoutingRule
from broker.policy.monitoring.alarms import first_ring
from broker.policy.time.calendars import WorkingCalendar
from broker.policy.time.deadlines import Deadline, compute
from broker.policy.time.turns import next_closing, next_opening
from schemas.immutable import immutable

Grounds = tuple[tuple[str, ...], ...]
"""Pointers into the referral: all of any one ground must be shown; no ground at all is no bar."""
REASONS = "reasons"
"""In an explanation: why, with what each part rests on; for the broker, never shown as it is."""
RELEASED = "released"
"""In an explanation: the hold that a person has released."""
URGENT = frozenset({Grade.IMMEDIATE, Grade.VERY_HIGH})
"""Grades that do not wait for an office to open."""
UNKNOWN_TURN = timedelta(hours=1)
"""When to look again whether an office is open whose calendar does not say."""
UNTIL_RELEASED = datetime(9999, 1, 1, tzinfo=UTC)
"""Until when a leg is held that no time releases but a person; its clock runs meanwhile."""


@immutable
class Assignment:
    """What one agency gets of a referral; instants are in UTC."""

    agency: OrganisationCode
    channel: str
    role: Role
    row: str
    """The rule that made it."""
    view: str
    children: tuple[str, ...]
    """Local ids of the children that it may see."""
    persons: tuple[str, ...]
    held_until: datetime | None
    clock_start: datetime
    due: Mapping[Milestone, datetime]
    next_alarm_at: datetime | None
    """When the first warning of any of its deadlines is planned."""
    explanation: Mapping[str, Any]
    """JSON-ready: the rule, its basis, because of which facts, the recipient, each deadline."""
    shift: Shift | None = None
    """Whose hours decide when another team has it; None where nobody takes over."""
    is_urgent: bool = False
    """Whether it does not wait for an office to open."""
    office: OrganisationCode | None = None
    """The closed office whose part it is, where its agency is a team out of hours."""

    @property
    def scope(self) -> Mapping[str, Sequence[str]]:
        """Whom it shows, as a delivery keeps it."""
        return {"children": list(self.children), "persons": list(self.persons)}


@immutable
class Shift:
    """An office with a team out of hours, one of which has a part of a referral.

    The team has it until the office opens. The office has it until it closes, and then keeps what
    a person there has acknowledged, and what can wait.
    """

    office: OrganisationCode
    calendar: WorkingCalendar = field(compare=False, repr=False)
    """That of the office."""
    is_out_of_hours: bool
    """Whether the team has it, and not the office."""

    def turns_at(self, now: datetime, *, is_urgent: bool = True) -> datetime | None:
        """Return when the other one may have it next; None for what waits for the office."""
        if self.is_out_of_hours:
            return next_opening(self.calendar, now) or now + UNKNOWN_TURN
        return (next_closing(self.calendar, now) or now + UNKNOWN_TURN) if is_urgent else None


@immutable
class Terms:
    """What an agency gets by a rule, and what that asks of it."""

    row: str
    sentence: str
    basis: str
    source: str
    role: Role
    view: str
    deadlines: Mapping[Milestone, Clock]
    out_of_hours: bool = False
    """Whether the team out of hours has what is urgent while the office is closed."""
    is_urgent: bool = False

    @classmethod
    def of(cls, rule: RoutingRule, grade: Grade) -> Self:
        """Return the terms of a rule of routing for a referral of a grade."""
        return cls(
            row=rule.id,
            sentence=rule.sentence,
            basis=rule.basis,
            source=rule.source,
            role=rule.role,
            view=rule.view,
            deadlines=rule.deadlines[grade],
            out_of_hours=rule.out_of_hours,
            is_urgent=grade in URGENT,
        )


@immutable
class Addressee:
    """Who gets it, by which channel, and in whose calendar its deadlines are counted."""

    agency: OrganisationCode
    channel: str
    calendar: WorkingCalendar
    because: str
    """Why it is this organisation, as people read it."""
    shift: Shift | None = None

    @property
    def office(self) -> OrganisationCode | None:
        """The closed office that it stands in for."""
        return self.shift.office if self.shift and self.shift.is_out_of_hours else None

    @classmethod
    def of(
        cls, organisation: Organisation, because: str, office: Organisation | None = None
    ) -> Self:
        """Return an organisation of the directory as an addressee.

        ``office`` is the one that it stands in for, where it is a team out of hours: the working
        days are those of this very office, whatever the hours of the team.
        """
        calendar = (office or organisation).calendar
        shift = None
        if office is not None:
            shift = Shift(office.code, calendar, is_out_of_hours=True)
        elif organisation.out_of_hours_partner and not organisation.always_open:
            shift = Shift(organisation.code, calendar, is_out_of_hours=False)
        return cls(organisation.code, organisation.channel, calendar, because, shift)


@immutable
class Reason:
    """Why an agency is told: words, and the places of the referral that each of them rests on.

    The publisher is told all of it; an agency the parts of which it sees what they rest on.
    """

    of: str
    """Whom or what it is about."""
    parts: tuple[tuple[str, Grounds], ...] = ()
    """Words, each with its grounds: all places of any ground must be shown."""
    needs: Grounds = ()
    """Grounds of the reason as a whole."""
    also: str = ""
    """The sentence of another rule that gives the agency the same."""

    @property
    def stored(self) -> dict[str, Any]:
        """As an explanation keeps it."""
        return {"of": self.of, "parts": self.parts, "needs": self.needs, "also": self.also}

    @property
    def rests_on_nothing(self) -> bool:
        """Whether anybody may read all of it, whatever they are shown of the referral."""
        return not self.needs and not any(needs for _, needs in self.parts)

    def __str__(self) -> str:
        return _in_words(self.of, [words for words, _ in self.parts], self.also)


@dataclass(slots=True)
class Draft:
    """An assignment while it is being gathered."""

    terms: Terms
    addressee: Addressee
    start: Start
    children: dict[str, None] = field(default_factory=dict)
    persons: dict[str, None] = field(default_factory=dict)
    because: dict[Reason, None] = field(default_factory=dict)


@immutable
class Start:
    """When a clock starts, and the embargo that put it off."""

    at: datetime
    known_at: datetime | None = None
    """When the police first knew, from which some deadlines count."""
    held_until: datetime | None = None
    reason: str | None = None
    code: str | None = None
    """That of the task by which a person is asked to release it; None where a time does."""

    @property
    def awaits_a_person(self) -> bool:
        """Whether a person, and no time, releases it."""
        return self.held_until == UNTIL_RELEASED

    def of(self, clock: Clock) -> tuple[datetime, str]:
        """Return when a deadline starts to count, and the word for it."""
        if self.held_until is not None and not self.awaits_a_person:
            return self.at, "embargo_end"
        if clock.starts == "first_known" and self.known_at is not None:
            return min(self.known_at, self.at), clock.starts
        return self.at, "accepted"


@immutable
class CountedDeadline:
    """One deadline of an assignment, with the clock of the policy that it comes from."""

    milestone: Milestone
    clock: Clock
    start: datetime
    starts: str
    """What it starts with: ``accepted``, ``first_known`` or ``embargo_end``."""
    deadline: Deadline

    def explanation(self) -> dict[str, Any]:
        """Return the deadline as it is stored and shown."""
        return {
            "milestone": str(self.milestone),
            "rule": self.clock.id,
            "within": str(self.clock.within),
            "starts": str(self.starts),
            "start": _written(self.start, self.start.tzinfo),
            "due_at": _written(self.deadline.due_at, self.deadline.due_at.tzinfo),
            "may_pause": self.clock.may_pause,
            "words": self.deadline.words,
        }


def finish(draft: Draft, *, warn_at: Sequence[int]) -> Assignment:
    """Return the assignment with its deadlines and its reasons.

    ``warn_at`` are percentages of the time until a deadline.
    """
    terms, addressee, start = draft.terms, draft.addressee, draft.start
    deadlines = count(terms.deadlines, start, addressee.calendar)
    running = [(each.clock.within.unit, each.start, each.deadline.due_at) for each in deadlines]
    return Assignment(
        agency=addressee.agency,
        channel=addressee.channel,
        role=terms.role,
        row=terms.row,
        view=terms.view,
        children=tuple(draft.children),
        persons=tuple(draft.persons),
        held_until=start.held_until,
        clock_start=start.at,
        due={counted.milestone: counted.deadline.due_at for counted in deadlines},
        # An alarm would tell the recipient of what is kept from it.
        next_alarm_at=None
        if start.awaits_a_person
        else first_ring(running, warn_at=warn_at, calendar=addressee.calendar),
        explanation=_explanation(draft, deadlines),
        shift=addressee.shift if terms.out_of_hours else None,
        is_urgent=terms.is_urgent,
        office=addressee.office,
    )


def reasons_in(explanation: Mapping[str, Any]) -> list[Reason]:
    """Return the reasons that an explanation holds, as it was made or as it was stored."""
    return [
        Reason(
            of=stored["of"],
            parts=tuple((words, _grounds(needs)) for words, needs in stored["parts"]),
            needs=_grounds(stored["needs"]),
            also=stored["also"],
        )
        for stored in explanation.get(REASONS, ())
    ]


def shown_reasons(
    explanation: Mapping[str, Any], shows: Callable[[Sequence[Sequence[str]]], bool]
) -> Iterator[str]:
    """Go through the reasons of an explanation as somebody reads them who is not shown everything.

    ``shows`` tells whether what words rest on is shown. Each reason has the parts of which that is
    so; one that rests as a whole on what is not shown is left out.
    """
    for stored in explanation.get(REASONS, ()):
        if shows(stored["needs"]):
            parts = [words for words, needs in stored["parts"] if shows(needs)]
            yield _in_words(stored["of"], parts, stored["also"])


def _in_words(of: str, parts: Sequence[str], also: str) -> str:
    text = ": ".join(filter(None, (of, "; ".join(parts))))
    return f"{text}. {also}" if also and text else text or also


def _grounds(stored: Sequence[Sequence[str]]) -> Grounds:
    return tuple(tuple(ground) for ground in stored)


def count(
    clocks: Mapping[Milestone, Clock], start: Start, calendar: WorkingCalendar
) -> Sequence[CountedDeadline]:
    """Count each deadline from its start in a recipient's calendar."""
    deadlines = []
    for milestone, clock in clocks.items():
        at, starts = start.of(clock)
        deadline = compute(clock.within, start=at, calendar=calendar)
        deadlines.append(CountedDeadline(milestone, clock, at, starts, deadline))
    return deadlines


def _explanation(draft: Draft, deadlines: Sequence[CountedDeadline]) -> dict[str, Any]:
    return {
        "row": draft.terms.row,
        "sentence": draft.terms.sentence,
        "basis": draft.terms.basis,
        "source": draft.terms.source,
        "because": [str(reason) for reason in draft.because],
        REASONS: [reason.stored for reason in draft.because],
        "recipient": draft.addressee.because,
        "deadlines": [deadline.explanation() for deadline in deadlines],
        "hold": _hold(draft.start),
    }


@lru_cache(maxsize=4096)
def _written(instant: datetime, _: tzinfo | None) -> str:
    """Return an instant as it is stored; the deadlines of one referral have most in common."""
    return instant.isoformat()


def _hold(start: Start) -> dict[str, str | None] | None:
    if start.held_until is None:
        return None
    until = None if start.awaits_a_person else start.held_until.isoformat()
    return {"until": until, "reason": start.reason, "code": start.code}
