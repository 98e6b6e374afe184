"""Fields that decide who is told or by when, and that could not be read: a warning and a task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from broker.domain.task import Task
from broker.errors import Fault
from broker.policy.routing.places_in_words import ReadPlaces
from broker.policy.routing.plan import Plan
from schemas import tolerance
from schemas.spellings import says_nothing
from schemas.tolerance import Treated, Treatment

CODE = "unread-decides"
_DECIDES = re.compile(
    r"/.*(?:grade|level|children|persons_posing_risk|area|missing) \(\d+\)|"
    r"/grade(?:/level)?|/concern(?:/category)?|"
    r"/(?:children|persons_posing_risk|household)(?:/\d+)?|"
    r"/children/\d+/(?:missing|address|area|found_area|placing_authority|looked_after|open_case|"
    r"school|lives_with|health|expected_date_of_birth)(?:/.*)?|"
    r"/persons_posing_risk/\d+/(?:address|area|date_of_birth|age|roles|management|contact)(?:/.*)?|"
    r"/(?:concern|action_taken)(?:/.*)?/about(?:/\d+)?|/online/identities/\d+/belongs_to|"
    r"/household/\d+/(?:children(?:/\d+)?|adult_at_risk)"
)
_UNKNOWN_NAME = re.compile(
    r"/(?:(?:children|persons_posing_risk|household)/\d+/|grade/|concern/)?"
    r"(?!(?:[a-z]+_)*(?:previous|former|old)_)(?:[a-z]+_)*"
    r"(?:grade|grading|urgency|urgent|priority|risk|missing|misper|occupation|job|profession|"
    r"employment|employer|employed|work|works|workplace|school|college|nursery|urn|postcode|"
    r"post_code|town|county|council|authority|district|country|pregnant|unborn|due_date|licence|"
    r"mappa|probation|offender|manager|looked_after|lac)"
    r"(?:_(?:level|status|name|title|code|at|in|for|of|place|work|authority|manager))*"
)
"""The name of a field of no schema, in small letters, that by its name decides who is told."""
_OF_GRADE = re.compile(r"^/grade\b|(?:grade|grading|urgency|urgent|priority|level)[^/]*$", re.I)
_HANDLING = re.compile(
    r"/handling(?:/embargo(?:/(?:until|no_contact_with(?:/\d+)?|[^/]* \(\d+\)))?"
    r"|/do_not_disclose_to(?:/\d+)?)?"
)
_MESSAGE = (
    "What was written here could not be read, and it decides who is told or by when. Ask the "
    "publisher what is meant, and make sure that the right agencies have the referral."
)
_UNREAD = (Treatment.SET_ASIDE, Treatment.ASSUMED)


def unread_handling(defects: Iterable[Fault], received: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the places that say how to treat a referral and were not read, or not wholly.

    A field of no schema under ``handling``, or a part of that name elsewhere, is such a place.
    """
    return tuple(
        defect.pointer
        for defect in defects
        if isinstance(defect, Treated)
        and defect.treatment is not Treatment.READ
        and (_HANDLING.fullmatch(defect.pointer) or _is_unknown_handling(defect))
        and not _is_blank(received, defect)
    )


def _is_unknown_handling(defect: Treated) -> bool:
    first, *rest = defect.pointer.split("/")[1:]
    if defect.code != "unknown-field":
        return False
    return (first == "handling" and len(rest) in (1, 2)) or (
        not rest and re.search("embargo|disclos|handling", first, re.IGNORECASE) is not None
    )


def with_unread(
    plan: Plan, defects: Iterable[Fault], received: Mapping[str, Any], places: ReadPlaces
) -> Plan:
    """Return a plan with a warning and a task for each field that decides and was not read.

    What was left blank was not written, so nothing of it is unread: what is not said is noted by
    routing itself. A part of no schema that may hold people decides too.
    """
    unread = [
        defect.pointer
        for defect in defects
        if isinstance(defect, Treated)
        and defect.treatment in _UNREAD
        and (
            _DECIDES.fullmatch(defect.pointer)
            or _may_be_unborn(defect)
            or _may_decide_by_name(defect)
            or _may_hold_people(received, defect)
        )
        and not _is_blank(received, defect)
        and defect.pointer not in places.pointers
    ]
    if not unread and not places.remarks:
        return plan
    return replace(
        plan,
        warnings=(
            *plan.warnings,
            *places.remarks,
            *(Fault(pointer, CODE, _MESSAGE) for pointer in unread),
        ),
        tasks=(*plan.tasks, *(Task(CODE, pointer, _MESSAGE) for pointer in unread)),
    )


def leaves_grade_open(tasks: Iterable[Task]) -> bool:
    """Tell whether a task is about a grade that was not read: it may be more urgent than stated."""
    return any(task.code == CODE and _OF_GRADE.search(task.pointer) for task in tasks)


def _may_be_unborn(defect: Treated) -> bool:
    """Tell whether a child's date of birth lies ahead: health is told of a child not born yet."""
    return defect.code == "date-in-future" and defect.pointer.startswith("/children/")


def _may_decide_by_name(defect: Treated) -> bool:
    """Tell whether a field of no schema is named like what decides: a job, a place, an urgency.

    That of a person, of the grade or concern, or of the whole document.
    """
    if defect.code != "unknown-field":
        return False
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", defect.pointer).lower().replace("-", "_")
    return _UNKNOWN_NAME.fullmatch(snake.replace(" ", "_")) is not None


def _may_hold_people(received: Mapping[str, Any], defect: Treated) -> bool:
    name = defect.pointer[1:]
    if "/" in name or defect.code != "unknown-field":
        return False
    value = tolerance.written_at(received, defect.pointer)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(item, dict | str) for item in items)


def _is_blank(received: Mapping[str, Any], defect: Treated) -> bool:
    is_needed = defect.treatment is Treatment.ASSUMED
    return not is_needed and says_nothing(tolerance.written_at(received, defect.pointer))
