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
from schemas.spellings import folded, says_nothing
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
_ELSEWHERE = (
    "previous|former|old|birth|police|policing|force|officer|oic|crime|offence|incident|line|"
    "driving|vehicle|firearms?|shotgun"
)
"""Words before a name that make it another thing: an old school, a police district, a driver's."""
_OF_ANYTHING = (
    "grade|grading|urgency|urgent|priority|risk|missing|misper|school|college|nursery|"
    "(?:school|college|nursery)_urn|postcode|post_code|town|county|council|authority|district|"
    "country|pregnant|unborn|due_date|licence|mappa|probation|offender|manager|looked_after|lac"
)
_OF_A_PERSON = (
    "occupation|job|profession|employment|employer|employed|work|works|workplace|" + _OF_ANYTHING
)
_TAIL = (
    "(?:_(?:level|status|name|title|code|at|in|for|of|place|work|authority|manager|"
    "from|care|home|education|since))*"
)
_HEAD = f"(?!(?:[a-z]+_)*(?:{_ELSEWHERE})_)(?:[a-z]+_)*"
_UNKNOWN_NAME = re.compile(
    rf"/(?:children|persons_posing_risk|household)/\d+/{_HEAD}(?:{_OF_A_PERSON}){_TAIL}|"
    rf"/(?:(?:grade|concern)/)?{_HEAD}(?:{_OF_ANYTHING}){_TAIL}"
)
"""The name of a field of no schema, in small letters, that by its name decides who is told.

A job of the whole referral is a number in a control room, and its URN that of a crime: neither
decides.
"""
_URN = re.compile(r"/children/[0-9]+/urn")
"""The number of a child's school if it has six digits; if not, that of the police."""
_NO = frozenset(
    {"no", "n", "false", "off", "never", "unticked", "unchecked", "not_ticked", "none_known"}
    | {"unemployed", "not_employed", "not_working", "not_pregnant", "not_missing"}
)
"""What stands in a field whose box is not ticked, or that says that there is nothing to decide."""
_LONGEST_NO = 20
_OF_GRADE = re.compile(r"^/grade\b|(?:grade|grading|urgency|urgent|priority|level)[^/]*$", re.I)
_SCALE = re.compile(r"(?:grade|grading|urgency|priority|level|risk)[^/]*$", re.IGNORECASE)
"""What has steps, of which 0 may be one."""
_HANDLING = re.compile(
    r"/handling(?:/embargo(?:/(?:until|no_contact_with(?:/\d+)?|[^/]* \(\d+\)))?"
    r"|/do_not_disclose_to(?:/\d+)?)?"
)
_NOT_TO_BE_TOLD = re.compile(
    "embargo|non_?disclosure|no_?contact|with(?:hold|held)|"
    "(?:do_?not|not_?to(?:_?be)?)_?(?:disclose|share|tell|told|contact|inform|notify)"
)
"""In the name of a field of no schema, wherever it stands: somebody must not be told."""
_MESSAGE = (
    "What was written here could not be read, and it decides who is told or by when. Ask the "
    "publisher what is meant, and make sure that the right agencies have the referral."
)
_UNREAD = (Treatment.SET_ASIDE, Treatment.ASSUMED)


def unread_handling(defects: Iterable[Fault], received: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the places that say how to treat a referral and were not read, or not wholly.

    A field of no schema under ``handling``, or a part of that name elsewhere, is such a place, and
    so is a field anywhere whose name says that somebody is not to be told.
    """
    return tuple(
        defect.pointer
        for defect in defects
        if isinstance(defect, Treated)
        and defect.treatment is not Treatment.READ
        and (_HANDLING.fullmatch(defect.pointer) or _is_unknown_handling(defect))
        and not _is_blank(received, defect)
        and not _keeps_nobody_out(received, defect)
    )


def _keeps_nobody_out(received: Mapping[str, Any], defect: Treated) -> bool:
    """Tell whether a field by whose name somebody is not to be told was left out and says no.

    Of other names a no may forbid: ``school_may_be_told`` is such a one.
    """
    is_set_aside = defect.treatment is Treatment.SET_ASIDE
    name = _in_snakes(defect.pointer.rpartition("/")[2])
    return (
        is_set_aside
        and _NOT_TO_BE_TOLD.search(name) is not None
        and _says_no(tolerance.written_at(received, defect.pointer), is_graded=False)
    )


def _is_unknown_handling(defect: Treated) -> bool:
    first, *rest = defect.pointer.split("/")[1:]
    if defect.code != "unknown-field":
        return False
    if _NOT_TO_BE_TOLD.search(_in_snakes((first, *rest)[-1])):
        return True
    return (first == "handling" and len(rest) in (1, 2)) or (
        not rest and re.search("embargo|disclos|handling", first, re.IGNORECASE) is not None
    )


def with_unread(
    plan: Plan, defects: Iterable[Fault], received: Mapping[str, Any], places: ReadPlaces
) -> Plan:
    """Return a plan with a warning and a task for each field that decides and was not read.

    What was left blank, or says no, is not unread: what is not said is noted by routing itself. A
    part of no schema that may hold people decides too.
    """
    unread = [
        defect.pointer
        for defect in defects
        if isinstance(defect, Treated)
        and defect.treatment in _UNREAD
        and (
            _DECIDES.fullmatch(defect.pointer)
            or _may_be_unborn(defect)
            or _may_decide_by_name(received, defect)
            or _may_hold_people(received, defect)
        )
        and not _is_blank(received, defect)
        and not _is_unticked(received, defect)
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


def _may_decide_by_name(received: Mapping[str, Any], defect: Treated) -> bool:
    """Tell whether a field of no schema is named like what decides: a job, a place, an urgency.

    That of a person, of the grade or concern, or of the whole document, if it does not say no.
    """
    if defect.code != "unknown-field":
        return False
    value = tolerance.written_at(received, defect.pointer)
    snake = _in_snakes(defect.pointer)
    if _URN.fullmatch(snake):
        return re.fullmatch(r"\s*[0-9]{6}\s*", str(value)) is not None
    if _UNKNOWN_NAME.fullmatch(snake) is None:
        return False
    return not _says_no(value, is_graded=_SCALE.search(defect.pointer) is not None)


def _in_snakes(name: str) -> str:
    """Return a name in small letters, with an underscore between its words."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return snake.lower().replace("-", "_").replace(" ", "_")


def _says_no(value: Any, *, is_graded: bool) -> bool:
    """Tell whether a value, with all that is in it, says nothing or no; a grade may be 0."""
    values = [value]
    for item in values:
        if isinstance(item, dict):
            values.extend(item.values())
        elif isinstance(item, list):
            values.extend(item)
        elif not (says_nothing(item) or _is_no(item, is_graded=is_graded)):
            return False
    return True


def _is_no(value: Any, *, is_graded: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value is False
    if str(value).strip() == "0":
        return not is_graded
    return isinstance(value, str) and len(value) <= _LONGEST_NO and folded(value) in _NO


def _may_hold_people(received: Mapping[str, Any], defect: Treated) -> bool:
    name = defect.pointer[1:]
    if "/" in name or defect.code != "unknown-field":
        return False
    value = tolerance.written_at(received, defect.pointer)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(item, dict | str) for item in items)


def _is_unticked(received: Mapping[str, Any], defect: Treated) -> bool:
    """Tell whether what was set aside says nothing or no, in all that is in it."""
    is_set_aside = defect.treatment is Treatment.SET_ASIDE
    return is_set_aside and _says_no(tolerance.written_at(received, defect.pointer), is_graded=True)


def _is_blank(received: Mapping[str, Any], defect: Treated) -> bool:
    is_needed = defect.treatment is Treatment.ASSUMED
    return not is_needed and says_nothing(tolerance.written_at(received, defect.pointer))
