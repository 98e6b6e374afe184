"""Who has a part of a referral from now on, because an office has opened or closed.

The part changes hands, and its clock does not: no deadline begins anew, and what the team before
has met it does not have to meet again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from broker.domain.codes import DeliveryKind, Milestone, ReturnReason
from broker.domain.delivery import NewDelivery, Offer
from broker.domain.due_part import DuePart, GivenAnswer
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.domain.states import DeliveryState
from broker.policy.language.directory import Organisation
from broker.policy.language.rules import RoutingRule
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import (
    REASONS,
    UNKNOWN_TURN,
    URGENT,
    Reason,
    Shift,
    Start,
    count,
)
from broker.policy.time.calendars import LONDON
from broker.policy.time.moments import moment

_OVER = frozenset({DeliveryState.RECALLED, DeliveryState.HANDED_OVER})
_TAKEN = frozenset({DeliveryState.ACKNOWLEDGED, DeliveryState.DECIDED, DeliveryState.RETURNED})
_Deadline = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of a part: who has it from now on, or when to look again."""

    to: Organisation | None = None
    office: Organisation | None = None
    """The office whose hours decide."""
    again_at: datetime | None = None
    """Where nobody takes over; None: it stays where it is."""

    @property
    def is_to_office(self) -> bool:
        """Whether the office has it again."""
        return self.to is not None and self.office is not None and self.to.code == self.office.code


def turn(part: DuePart, rule: RoutingRule | None, policy: Policy, now: datetime) -> Turn:
    """Return who has a part from now on; one that has ended stays where it is."""
    if not part.stands or part.state in _OVER or rule is None or not rule.out_of_hours:
        return Turn()
    if part.office is not None:
        return _to_office(part, _office(part.office, policy, now), now)
    return _to_team(part, policy, now)


def _office(code: OrganisationCode, policy: Policy, now: datetime) -> Organisation | None:
    """Return the office of a part: one that has ended is succeeded by who serves its areas now.

    None where nobody does, or several do: then no rule says which of them it is.
    """
    day, directory = now.astimezone(LONDON).date(), policy.directory
    office = directory.organisation(code)
    if office is None or office.is_in_effect(day):
        return office
    serving = [directory.serving(office.kind, area, day) for area in office.areas]
    successors = {each.code: each for each in serving if each is not None}
    return next(iter(successors.values())) if len(successors) == 1 else None


def _to_office(part: DuePart, office: Organisation | None, now: datetime) -> Turn:
    """Return that the office has it again, once it is open, whatever was done meanwhile.

    What its team gave back as not its own the office gets as well; any other reason is for ops.
    """
    if part.state is DeliveryState.RETURNED and part.return_reason != ReturnReason.NOT_OURS:
        return Turn()
    if office is None:
        return Turn(again_at=now + UNKNOWN_TURN)  # so that it does not close, and ops can see it
    shift = Shift(office.code, office.calendar, is_out_of_hours=True)
    if office.is_open(now) and part.state is not DeliveryState.HELD and not part.is_paused:
        return Turn(office, office)
    return Turn(again_at=_soon(shift.turns_at(now), part, now))


def _to_team(part: DuePart, policy: Policy, now: datetime) -> Turn:
    """Return that the team out of hours has what is urgent and what nobody has acknowledged."""
    office = policy.directory.organisation(part.agency)
    if office is None or part.state in _TAKEN or part.grade not in URGENT:
        return Turn()
    partner = policy.directory.organisation(office.out_of_hours_partner or "")
    if partner is None or not partner.is_in_effect(now.astimezone(LONDON).date()):
        return Turn()
    is_open = office.is_open(now)
    if not is_open and part.state is not DeliveryState.HELD and not part.is_paused:
        return Turn(partner, office)
    shift = Shift(office.code, office.calendar, is_out_of_hours=False)
    return Turn(again_at=_soon(shift.turns_at(now), part, now))


def _soon(at: datetime | None, part: DuePart, now: datetime) -> datetime | None:
    """Look again soon where it is held or paused now: it may be released at any time."""
    waits = part.state is DeliveryState.HELD or part.is_paused
    return min(at, now + UNKNOWN_TURN) if waits and at else at


@dataclass(frozen=True, slots=True)
class Done:
    """A part as the team before has it, and what that team has done."""

    offer: Offer
    latest: Offer
    """The latest version of it that the team has."""
    answers: Sequence[GivenAnswer]


def successor(
    done: Done, turn: Turn, *, id_: DeliveryId, policy: Policy, now: datetime
) -> NewDelivery:
    """Return the delivery with which a part goes on: its latest version, on the same clock."""
    offer, latest, to, office = done.offer, done.latest, turn.to, turn.office
    assert to is not None
    assert office is not None
    shift = Shift(office.code, office.calendar, is_out_of_hours=not turn.is_to_office)
    deadlines = carried(offer, policy, office, now)
    return NewDelivery(
        id=id_,
        agency=to.code,
        channel=to.channel,
        role=offer.role,
        row=offer.row,
        view=latest.view,
        scope=latest.scope,
        state=DeliveryState.AVAILABLE,
        available_at=now,
        clock_start=offer.clock_start,
        due={
            Milestone(deadline["milestone"]): datetime.fromisoformat(deadline["due_at"])
            for deadline in deadlines
        },
        explanation=_explanation(done, turn, deadlines, policy, now),
        next_alarm_at=now,
        version=latest.version,
        policy_version=latest.policy_version,
        hand_over_at=shift.turns_at(now, is_urgent=offer.effective_grade in URGENT),
        stands_in_for=office.code if shift.is_out_of_hours else None,
    )


def carried(
    offer: Offer, policy: Policy, office: Organisation, now: datetime
) -> list[dict[str, Any]]:
    """Return the deadlines that go over with a part: none is later than it was.

    What is not met goes over as it is, also where it is late. What was met goes over only while its
    time lasts: the next team does it itself by then. It acknowledges at the latest when it decides;
    where no time is left at all, it takes note of what was done as of a correction.
    """
    deadlines = [
        dict(deadline)
        for deadline in offer.explanation["deadlines"]
        if Milestone(deadline["milestone"]) not in offer.met or _due(deadline) > now
    ]
    if any(deadline["milestone"] == Milestone.ACKNOWLEDGE for deadline in deadlines):
        return deadlines
    last = next((each for each in deadlines if each["milestone"] == Milestone.DECIDE), None)
    if last is not None:
        words = f"{last['words']}: with the decision, because the team before acknowledged it"
        return [{**last, "milestone": str(Milestone.ACKNOWLEDGE), "words": words}, *deadlines]
    clocks = policy.version_rules[DeliveryKind.CORRECTION].deadlines
    noted = {Milestone.ACKNOWLEDGE: clocks[Milestone.ACKNOWLEDGE]}
    return [each.explanation() for each in count(noted, Start(now), office.calendar)] + deadlines


def _due(deadline: _Deadline) -> datetime:
    return datetime.fromisoformat(deadline["due_at"])


def _explanation(
    done: Done, turn: Turn, deadlines: Sequence[_Deadline], policy: Policy, now: datetime
) -> dict[str, Any]:
    offer = done.offer
    words, before = _words(offer, turn, policy, now)
    return {
        **offer.explanation,
        "because": [*offer.explanation["because"], words],
        REASONS: [*offer.explanation.get(REASONS, ()), Reason(words).stored],
        "recipient": words,
        "deadlines": list(deadlines),
        "handed_over": {
            "from": offer.agency,
            "from_name": before,
            "at": now.isoformat(),
            "state": str(offer.state),
            "delivery": str(offer.id),
            "answers": [{**asdict(answer), "at": answer.at.isoformat()} for answer in done.answers],
        },
    }


def _words(offer: Offer, turn: Turn, policy: Policy, now: datetime) -> tuple[str, str]:
    """Return why another team has it, and the name of the one before."""
    before = policy.directory.organisation_name(offer.agency)
    assert turn.to is not None
    when = moment(now)
    if turn.is_to_office:
        return f"{turn.to.name} has it from {before} since its office opened on {when}", before
    return (
        f"{turn.to.name} has it from {before}, whose office closed before anybody there had "
        f"acknowledged it: {when}",
        before,
    )
