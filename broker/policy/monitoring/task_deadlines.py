"""By when ops must settle a task: by the grade that is stated, on ordinary office calendars."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from broker.domain.codes import Grade
from broker.domain.task import TaskDeadline
from broker.errors import Fault
from broker.policy.language.vocabulary import GRADES
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.alarms import UNROUTABLE, AlarmRules, first_ring_of_ops
from broker.policy.time.calendars import WorkingCalendar
from broker.policy.time.deadlines import Within, compute
from schemas.formats import Reference

ANY = "any"
_HOUR = Within.parse("1 hour")
DEFAULT: Mapping[str, Within] = MappingProxyType(
    {
        Grade.IMMEDIATE: _HOUR,
        Grade.VERY_HIGH: _HOUR,
        Grade.HIGH: Within.parse("4 hours"),
        ANY: Within.parse("1 working day"),
    }
)
"""What counts under a policy without the section ``tasks``."""
_LEVEL = re.compile(rb'"level"\s{0,9}:\s{0,9}"([A-Za-z _-]{1,20})"')
_WHOLE_REFERENCE = re.compile(Reference.pattern)
_REFERENCE = re.compile(
    rb'"reference"\s{0,9}:\s{0,9}"(%b)"' % Reference.pattern.strip("^$").encode()
)


def read_task_deadlines(node: Node) -> Mapping[str, Within]:
    """Read the policy's section ``tasks``: a length of time for each grade, or for ``any``."""
    known = (*GRADES, ANY)
    deadlines = {}
    for name, entry in node.entries():
        if name in known:
            deadlines[name] = entry.within()
        else:
            entry.fault("unknown-name", f"{name!r} is no grade; known are {', '.join(known)}.")
    for grade in () if ANY in deadlines else GRADES:
        if grade not in deadlines:
            node.fault("missing", f"Say by when a task graded {grade} is settled, or give 'any'.")
    return deadlines


def check_task_deadlines(
    place: str, deadlines: Mapping[str, Within], policy_alarms: AlarmRules
) -> Iterator[Fault]:
    """Find tasks whose missed deadline nobody would be told of."""
    if deadlines is not DEFAULT and policy_alarms.escalation_policy(UNROUTABLE) is None:
        words = f"A task needs an escalation policy for {UNROUTABLE!r} under 'ladders'."
        yield Fault(place, "nobody", words)


def task_deadline(
    grade: Grade,
    since: datetime,
    *,
    deadlines: Mapping[str, Within],
    calendar: WorkingCalendar,
    policy_alarms: AlarmRules,
) -> TaskDeadline:
    """Return by when what is known since an instant must be settled, and its first alarm."""
    within = deadlines.get(grade) or deadlines.get(ANY) or DEFAULT[ANY]
    due_at = compute(within, start=since, calendar=calendar).due_at
    first = first_ring_of_ops(since, due_at, warn_at=policy_alarms.warn_at, calendar=calendar)
    return TaskDeadline(grade, due_at, first)


def stated_grade(document: object) -> Grade:
    """Return the grade that a document states, as far as it can be read.

    What cannot be read is treated as immediate: nobody can say that it is less.
    """
    section = document.get("grade") if isinstance(document, dict) else None
    level = section.get("level") if isinstance(section, dict) else section
    word = level if isinstance(level, str) else ""
    return _grade(word)


def stated_in(body: bytes) -> tuple[str | None, Grade]:
    """Return the reference and the grade that a refused body states, as far as they can be read."""
    document = _parsed(body)
    if document is None:
        level, reference = _LEVEL.search(body), _REFERENCE.search(body)
        word = level[1].decode() if level else ""
        return (reference[1].decode() if reference else None), _grade(word)
    stated = document.get("reference")
    is_one = isinstance(stated, str) and _WHOLE_REFERENCE.fullmatch(stated)
    return (stated if is_one else None), stated_grade(document)


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _grade(word: str) -> Grade:
    plain = re.sub(r"[\s_-]+", "_", word.strip().casefold())
    return Grade(plain) if plain in GRADES else Grade.IMMEDIATE
