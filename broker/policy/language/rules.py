"""The rows of a policy: who gets a part of which referral, why, as what, and by when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from broker.domain.codes import Grade, Milestone, Role
from broker.errors import PolicyError
from broker.policy.language.conditions import Condition, read_condition
from broker.policy.language.vocabulary import (
    BASES,
    GRADES,
    HOLDERS,
    KINDS,
    PLACES,
    SEES,
    SUBJECTS,
)
from broker.policy.language.yaml_nodes import NO_TIME, Node
from broker.policy.time.deadlines import BY_THE_CLOCK, Within
from schemas.codes import ClockStart

_REQUIRED = ("id", "sentence", "basis", "source", "for", "to", "role", "view", "deadlines", "from")
_OPTIONAL = ("when", "sees", "held_by", "out_of_hours", "until")
SECTIONS = (
    *("grades", "versions", "alarms", "ladders", "recurrence", "silence", "tasks", "links"),
    *("promptness", "embargoes", "inbox"),
)
"""What a policy may leave out; all but the first are read where they are used."""
_MILESTONES = tuple(str(milestone) for milestone in Milestone)

STARTS = tuple(map(str, ClockStart))


@dataclass(frozen=True, slots=True)
class Clock:
    """The row of policy behind one deadline."""

    id: str
    """The set of deadlines, the grade and the milestone: ``social-care.high.acknowledge``."""
    within: Within
    starts: str = ClockStart.ACCEPTED
    """A ``ClockStart``."""
    may_pause: bool = False

    def __str__(self) -> str:
        since = "" if self.starts == ClockStart.ACCEPTED else " from when the police first knew"
        return f"{self.within}{since}{', may be paused' if self.may_pause else ''}"


Deadlines = Mapping[Grade, Mapping[Milestone, Clock]]


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One rule of routing."""

    id: str
    sentence: str
    basis: str
    source: str
    subject: str
    """What it looks at, one by one: ``child``, ``person``, ``role``, or the ``referral``."""
    condition: Condition
    kind: str
    """The kind of organisation that receives."""
    place_of: str
    """What that organisation is looked up by, such as ``child.area``."""
    role: Role
    view: str
    deadlines: Deadlines
    sees: frozenset[str]
    """``children`` or ``persons`` that it sees beside the subject itself."""
    held_by: frozenset[str]
    """Embargoes on contact with one of these hold it."""
    out_of_hours: bool
    """Urgent ones go to the out-of-hours partner while the office is closed."""
    effective_from: date
    effective_until: date | None
    place: str
    """``file:line``."""

    def is_in_effect(self, day: date) -> bool:
        """Tell whether the row counts on a day."""
        ends = self.effective_until
        return self.effective_from <= day and (ends is None or day <= ends)


@dataclass(frozen=True, slots=True)
class GradeRule:
    """A rule about the grade: one that raises it, or that says that facts contradict it."""

    id: str
    sentence: str
    subject: str
    condition: Condition
    to: Grade | None
    """The least grade from now on, or None for a warning only."""
    place: str


def read_rules(
    root: Node, kinds: Collection[str] = KINDS
) -> tuple[tuple[RoutingRule, ...], tuple[GradeRule, ...]]:
    """Read the policy document: its rows, and its remarks about grades.

    ``kinds`` are the kinds of organisation that the directory declares beside those known.
    """
    sections = root.fields(("deadlines", "rows"), SECTIONS)
    clocks = {name: _clocks(name, node) for name, node in _entries(sections, "deadlines")}
    items = sections["rows"].items() if "rows" in sections else ()
    routing_rules = [_routing_rule(node, clocks, tuple(kinds)) for node in items]
    grade_rules = sections["grades"].items() if "grades" in sections else ()
    return tuple(routing_rules), tuple(_grade_rule(node) for node in grade_rules)


def read_promptness(root: Node) -> Mapping[Grade, Within]:
    """Read how long the police may have known before they hand in, by grade; it may be left out."""
    allowed = {}
    for grade, node in _entries(dict(root.entries()), "promptness"):
        if grade not in GRADES:
            node.fault("unknown-name", f"{grade!r} is no grade; known: {', '.join(GRADES)}.")
            continue
        within = node.within()
        if within.unit not in BY_THE_CLOCK:
            node.fault("wrong-deadline", "Write minutes or hours here, such as 168 hours.")
        else:
            allowed[Grade(grade)] = within
    return allowed


def _entries(sections: Mapping[str, Node], name: str) -> list[tuple[str, Node]]:
    return sections[name].entries() if name in sections else []


def _clocks(name: str, node: Node) -> Deadlines:
    """Read deadlines by grade; ``any`` stands for every grade that is not written."""
    by_grade: dict[str, Mapping[Milestone, Clock]] = {}
    for grade, milestones in node.entries():
        if grade not in (*GRADES, "any"):
            milestones.fault("unknown-name", f"{grade!r} is no grade; known: {', '.join(GRADES)}.")
        by_grade[grade] = read_milestones(f"{name}.{grade}", milestones)
    missing = [grade for grade in GRADES if grade not in by_grade]
    if missing and "any" not in by_grade:
        node.fault("missing", f"There is no deadline for {', '.join(missing)}.")
        return {}
    return {Grade(grade): by_grade.get(grade, by_grade.get("any", {})) for grade in GRADES}


def read_milestones(name: str, node: Node) -> Mapping[Milestone, Clock]:
    """Read how long there is for each milestone, under the name of the set."""
    clocks = {}
    for milestone, written in node.entries():
        if milestone not in _MILESTONES:
            written.fault("unknown-name", f"{milestone!r} is none of {', '.join(_MILESTONES)}.")
            continue
        clocks[Milestone(milestone)] = _clock(f"{name}.{milestone}", written)
    return clocks


def _clock(name: str, node: Node) -> Clock:
    """Read a length of time, or one with when it starts and whether it may be paused."""
    if not node.is_mapping:
        return Clock(name, node.within())
    fields = node.fields(("within",), ("starts", "may_pause"))
    return Clock(
        name,
        fields["within"].within() if "within" in fields else NO_TIME,
        fields["starts"].choice(STARTS, "start") if "starts" in fields else STARTS[0],
        "may_pause" in fields and fields["may_pause"].flag(),
    )


def _routing_rule(
    node: Node, clocks: Mapping[str, Deadlines], kinds: tuple[str, ...]
) -> RoutingRule:
    fields = node.fields(_REQUIRED, _OPTIONAL)
    subject = _choice(fields, "for", SUBJECTS, "subject")
    to = fields["to"].fields(("kind", "of")) if "to" in fields else {}
    return RoutingRule(
        id=_text(fields, "id"),
        sentence=_text(fields, "sentence"),
        basis=_choice(fields, "basis", BASES, "basis"),
        source=_text(fields, "source"),
        subject=subject,
        condition=_condition(node, fields, subject),
        kind=_choice(to, "kind", kinds, "kind of organisation"),
        place_of=_place(to, subject),
        role=_role(fields),
        view=_text(fields, "view"),
        deadlines=clocks.get(_choice(fields, "deadlines", clocks, "set of deadlines"), {}),
        sees=_words(fields, "sees", SEES),
        held_by=_words(fields, "held_by", HOLDERS),
        out_of_hours="out_of_hours" in fields and fields["out_of_hours"].flag(),
        effective_from=fields["from"].day() if "from" in fields else date.min,
        effective_until=fields["until"].day() if "until" in fields else None,
        place=node.place,
    )


def _grade_rule(node: Node) -> GradeRule:
    fields = node.fields(("id", "sentence", "for", "when"), ("to",))
    subject = _choice(fields, "for", SUBJECTS, "subject")
    to = _choice(fields, "to", GRADES, "grade")
    return GradeRule(
        id=_text(fields, "id"),
        sentence=_text(fields, "sentence"),
        subject=subject,
        condition=_condition(node, fields, subject),
        to=Grade(to) if to in GRADES else None,
        place=node.place,
    )


def _condition(node: Node, fields: Mapping[str, Node], subject: str) -> Condition:
    """Read the condition of a row, which without one always holds."""
    written = fields.get("when", node)
    try:
        return read_condition(
            fields["when"].text() if "when" in fields else "true",
            subject if subject in SUBJECTS else "referral",
        )
    except PolicyError as error:
        written.fault("wrong-condition", error.message)
        return read_condition("true", "referral")


def _place(to: Mapping[str, Node], subject: str) -> str:
    place = _choice(to, "of", PLACES, "place")
    owner = place.partition(".")[0]
    if place in PLACES and place != "anywhere" and owner not in SUBJECTS.get(subject, (owner,)):
        to["of"].fault("unknown-name", f"A row for each {subject} cannot be sent by {place!r}.")
    return place


def _role(fields: Mapping[str, Node]) -> Role:
    word = _choice(fields, "role", tuple(str(role) for role in Role), "role")
    return Role.LEAD if word == Role.LEAD else Role.COPY


def _text(fields: Mapping[str, Node], name: str) -> str:
    return fields[name].text() if name in fields else ""


def _choice(
    fields: Mapping[str, Node], name: str, known: Mapping[str, object] | tuple[str, ...], kind: str
) -> str:
    return fields[name].choice(tuple(known), kind) if name in fields else ""


def _words(fields: Mapping[str, Node], name: str, known: tuple[str, ...]) -> frozenset[str]:
    items = fields[name].items() if name in fields else ()
    return frozenset(item.choice(known, f"word for {name!r}") for item in items)
