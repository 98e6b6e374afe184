"""Fields that decide who is told or by when, and that could not be read: a warning and a task."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from broker.domain.task import Task
from broker.errors import Fault
from broker.policy.routing.plan import Plan
from schemas.tolerance import Treated, Treatment

CODE = "unread-decides"
_DECIDES = re.compile(
    r"/.*(?:grade|level|embargo|until|children|persons_posing_risk|area|missing) \(\d+\)|"
    r"/grade(?:/level)?|/handling(?:/embargo(?:/until|/no_contact_with.*)?|/do_not_disclose_to.*)?|"
    r"/(?:children|persons_posing_risk|household)(?:/\d+)?|"
    r"/children/\d+/(?:missing|area|found_area|placing_authority|looked_after|open_case|school|"
    r"lives_with)(?:/.*)?|"
    r"/household/\d+/adult_at_risk|"
    r"/persons_posing_risk/\d+/(?:area|date_of_birth|age|roles|management|contact)(?:/.*)?"
)
_MESSAGE = (
    "What was written here could not be read, and it decides who is told or by when. Ask the "
    "publisher what is meant, and make sure that the right agencies have the referral."
)
_UNREAD = (Treatment.SET_ASIDE, Treatment.ASSUMED)


def with_unread(plan: Plan, defects: Iterable[Fault]) -> Plan:
    """Return a plan with a warning and a task for each field that decides and was not read."""
    unread = [
        defect.pointer
        for defect in defects
        if isinstance(defect, Treated)
        and defect.treatment in _UNREAD
        and _DECIDES.fullmatch(defect.pointer)
    ]
    if not unread:
        return plan
    return replace(
        plan,
        warnings=(*plan.warnings, *(Fault(pointer, CODE, _MESSAGE) for pointer in unread)),
        tasks=(*plan.tasks, *(Task(CODE, pointer, _MESSAGE) for pointer in unread)),
    )
