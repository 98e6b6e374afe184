"""When a deadline warns, and whom a breach is escalated to. Values in, values out.

A warning fires at each of the policy's percentages of the time, a breach at 100. A breach starts an
escalation: its steps alert one contact after the other until a person acknowledges it, or the
milestone is met.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from broker.domain.codes import Contact, NoticeChannel, NoticeRecipient
from broker.policy.language.vocabulary import GRADES
from broker.policy.language.yaml_nodes import Node
from broker.policy.time.calendars import WorkingCalendar
from broker.policy.time.clocks import point
from broker.policy.time.deadlines import Span, Unit, Within, compute
from schemas.codes import AlarmSubject
from schemas.immutable import immutable

BREACH = 100
OWN_ACKNOWLEDGEMENT = Within.parse("30 minutes")
"""How long an own acknowledgement counts where the policy does not say."""
TAKEN_ON = Within.parse("30 minutes")
"""For how long a person deals with an escalation where the policy does not say."""
ATTEND = "attend"
"""The milestone of what no agency has: that ops finds an owner."""
UNROUTABLE, SILENCE = AlarmSubject.UNROUTABLE, AlarmSubject.SILENCE
ALARMED = (*GRADES, *map(str, AlarmSubject))
"""What a ladder can be for: deliveries by effective grade, and what else is alarmed."""

_Word = TypeVar("_Word", NoticeRecipient, Contact)


@immutable
class Step:
    """Who is told, and how."""

    to: NoticeRecipient
    contact: Contact
    by: tuple[NoticeChannel, ...]
    after: Within | None = None
    """How long after the breach, on the recipient's clocks; None is at once."""


@immutable
class EscalationPolicy:
    """Whom a breach is told, one after the other."""

    name: str
    sentence: str
    subjects: frozenset[str]
    """Which of ``ALARMED`` it is for."""
    steps: tuple[Step, ...]
    place: str
    """``file:line``."""


@immutable
class AlarmRules:
    """When warnings come, whom they are told, and the ladders."""

    warn_at: tuple[int, ...] = (50, 75, 90)
    """Percent of the time, rising."""
    tell: tuple[Step, ...] = ()
    """Who is told of a warning."""
    own_acknowledgement: Within = OWN_ACKNOWLEDGEMENT
    """How long an agency's acknowledgement of an escalation about itself stops its own steps."""
    taken_on: Within = TAKEN_ON
    """For how long a person of ops or of the police deals with an escalation: then people are
    alerted again."""
    escalation_policies: Mapping[str, EscalationPolicy] = field(default_factory=dict)

    def escalation_policy(self, subject: str) -> EscalationPolicy | None:
        """Return the ladder for a grade, for what is unroutable, or for silence."""
        policies = self.escalation_policies.values()
        return next((policy for policy in policies if subject in policy.subjects), None)


@immutable
class RunningClock:
    """One deadline that has not been met."""

    milestone: str
    """A ``Milestone``, or ``attend``."""
    unit: Unit
    start: datetime
    due_at: datetime
    stood: tuple[Span, ...] = ()
    """When it was paused; each pause has ended."""
    first_due_at: datetime | None = None
    """What the deadline was before that."""


NewClock = tuple[Unit, datetime, datetime]
"""A clock that has never stood: its unit, its start and its deadline."""


def attending(since: datetime, attend_by: datetime) -> RunningClock:
    """Return the clock of ops for what no agency has: it runs day and night."""
    return RunningClock(ATTEND, Unit.CALENDAR_HOUR, since, attend_by)


@immutable
class Ring:
    """One alarm that is due: a warning, or at 100 percent the breach."""

    milestone: str
    percent: int
    planned_at: datetime
    due_at: datetime

    @property
    def is_breach(self) -> bool:
        """Whether the deadline itself has passed."""
        return self.percent == BREACH


def due_rings(
    clocks: Sequence[RunningClock],
    *,
    warn_at: Sequence[int],
    calendar: WorkingCalendar,
    fired: Collection[tuple[str, int, datetime]],
    now: datetime,
) -> tuple[list[Ring], datetime | None]:
    """Return the alarms that are due and have not fired, and when the next one will be.

    ``fired`` names each alarm that rang before by milestone, percent and planned instant.
    """
    planned = [
        Ring(clock.milestone, percent, _planned(clock, percent, calendar), clock.due_at)
        for clock in clocks
        for percent in (*warn_at, BREACH)
    ]
    waiting = [
        ring for ring in planned if (ring.milestone, ring.percent, ring.planned_at) not in fired
    ]
    later = [ring.planned_at for ring in waiting if ring.planned_at > now]
    due = [ring for ring in waiting if ring.planned_at <= now]
    return sorted(due, key=lambda ring: (ring.planned_at, ring.percent)), min(later, default=None)


def first_ring(
    clocks: Sequence[NewClock], *, warn_at: Sequence[int], calendar: WorkingCalendar
) -> datetime | None:
    """Return when the first alarm of new deadlines is planned."""
    percent = warn_at[0] if warn_at else BREACH
    rings = [
        point(unit, start=start, due_at=due_at, percent=percent, calendar=calendar)
        for unit, start, due_at in clocks
    ]
    return min(rings, default=None)


def first_ring_of_ops(
    since: datetime, attend_by: datetime, *, warn_at: Sequence[int], calendar: WorkingCalendar
) -> datetime | None:
    """Return when the first alarm is planned of what ops attends to."""
    return first_ring([(Unit.CALENDAR_HOUR, since, attend_by)], warn_at=warn_at, calendar=calendar)


def next_step_at(
    escalation_policy: EscalationPolicy, step: int, *, since: datetime, calendar: WorkingCalendar
) -> datetime | None:
    """Return when a step of a ladder is due that began at an instant, or None past its end."""
    if step >= len(escalation_policy.steps):
        return None
    after = escalation_policy.steps[step].after
    if after is None:
        return since
    return compute(after, start=since, calendar=calendar).due_at


def own_until(rules: AlarmRules, *, since: datetime, calendar: WorkingCalendar) -> datetime:
    """Return until when an agency's own acknowledgement counts."""
    return compute(rules.own_acknowledgement, start=since, calendar=calendar).due_at


def taken_until(rules: AlarmRules, *, since: datetime, calendar: WorkingCalendar) -> datetime:
    """Return until when a person deals with an escalation that they take on."""
    return compute(rules.taken_on, start=since, calendar=calendar).due_at


def _planned(clock: RunningClock, percent: int, calendar: WorkingCalendar) -> datetime:
    """Return when an alarm rings."""
    return point(
        clock.unit,
        start=clock.start,
        due_at=clock.due_at,
        percent=percent,
        calendar=calendar,
        stood=clock.stood,
        first_due_at=clock.first_due_at,
    )


def read_alarms(root: Node) -> AlarmRules:
    """Read the sections ``alarms`` and ``ladders`` of the policy document; both may be missing."""
    sections = dict(root.entries())
    escalation_policies = {
        name: _escalation_policy(name, node)
        for name, node in (sections["ladders"].entries() if "ladders" in sections else ())
    }
    if "alarms" not in sections:
        return AlarmRules(escalation_policies=escalation_policies)
    fields = sections["alarms"].fields(("warn_at",), ("tell", "own_acknowledgement", "taken_on"))
    return AlarmRules(
        warn_at=_percentages(fields["warn_at"]) if "warn_at" in fields else (),
        tell=tuple(read_step(node) for node in _items(fields, "tell")),
        own_acknowledgement=fields["own_acknowledgement"].within()
        if "own_acknowledgement" in fields
        else OWN_ACKNOWLEDGEMENT,
        taken_on=fields["taken_on"].within() if "taken_on" in fields else TAKEN_ON,
        escalation_policies=escalation_policies,
    )


def _percentages(node: Node) -> tuple[int, ...]:
    percentages = tuple(item.number(1, BREACH - 1) for item in node.items())
    if any(earlier >= later for earlier, later in pairwise(percentages)):
        node.fault("wrong-order", "Write the percentages rising, each once.")
    return percentages


def _escalation_policy(name: str, node: Node) -> EscalationPolicy:
    fields = node.fields(("sentence", "for", "steps"))
    subjects = [
        item.choice(ALARMED, "thing that can be escalated") for item in _items(fields, "for")
    ]
    return EscalationPolicy(
        name=name,
        sentence=fields["sentence"].text() if "sentence" in fields else "",
        subjects=frozenset(subjects),
        steps=tuple(read_step(item) for item in _items(fields, "steps")),
        place=node.place,
    )


def read_step(node: Node) -> Step:
    """Read one entry of a list of whom to tell."""
    fields = node.fields(("to", "contact", "by"), ("after",))
    by = [item.choice(tuple(NoticeChannel), "channel for notices") for item in _items(fields, "by")]
    return Step(
        to=_word(fields, "to", NoticeRecipient, "one to tell"),
        contact=_word(fields, "contact", Contact, "contact"),
        by=tuple(NoticeChannel(word) for word in by if word in tuple(NoticeChannel)),
        after=fields["after"].within() if "after" in fields else None,
    )


def _word(fields: Mapping[str, Node], name: str, codes: type[_Word], kind: str) -> _Word:
    word = fields[name].choice(tuple(codes), kind) if name in fields else ""
    return codes(word) if word in tuple(codes) else next(iter(codes))


def _items(fields: Mapping[str, Node], name: str) -> list[Node]:
    return list(fields[name].items()) if name in fields else []
