"""What a person has decided about holds: a new version neither holds nor asks again.

It does where what decides them is written otherwise now, where something is held that was not held
before, or where somebody is told despite the doubt who was not told before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from broker.domain.codes import DeliveryKind
from broker.domain.states import DeliveryState
from broker.domain.task import (
    EMBARGO_FOR_ALL,
    EMBARGO_IN_WORDS,
    HANDLING_UNREAD,
    SUSPECT_AT_RECIPIENT,
    WISH_IN_DOUBT,
    SettledTask,
    Task,
)
from broker.policy.revision.issued import Changed, Revision
from broker.policy.revision.version_document import VersionDocument
from broker.policy.routing.wishes import workplace_in

_OF_A_TIME = None
"""In place of a code: a hold that ends by itself."""
_HOLDS: Mapping[str, frozenset[str | None]] = MappingProxyType(
    {
        SUSPECT_AT_RECIPIENT: frozenset({SUSPECT_AT_RECIPIENT}),
        WISH_IN_DOUBT: frozenset({SUSPECT_AT_RECIPIENT, WISH_IN_DOUBT}),
        EMBARGO_IN_WORDS: frozenset({SUSPECT_AT_RECIPIENT, WISH_IN_DOUBT, EMBARGO_IN_WORDS}),
        EMBARGO_FOR_ALL: frozenset({SUSPECT_AT_RECIPIENT, WISH_IN_DOUBT, _OF_A_TIME}),
        HANDLING_UNREAD: frozenset(
            {SUSPECT_AT_RECIPIENT, WISH_IN_DOUBT, EMBARGO_IN_WORDS, HANDLING_UNREAD, _OF_A_TIME}
        ),
    }
)
"""By the code of a task the codes of what is held for its cause.

A delivery has one hold, so that of a graver cause may stand for it.
"""
_BENEATH: Mapping[str | None, str] = MappingProxyType(
    {SUSPECT_AT_RECIPIENT: WISH_IN_DOUBT, _OF_A_TIME: HANDLING_UNREAD}
)
"""The cause that a hold may hide; a person who releases the hold has judged that too."""
_OF_WISHES = frozenset({HANDLING_UNREAD, WISH_IN_DOUBT})
"""The holds that whom not to tell may decide as well."""
_WORKPLACE = ("organisation", "organisation_code", "urn")


def without_settled(
    tasks: Iterable[Task],
    settled: Sequence[SettledTask],
    *,
    decides_alike: Callable[[str | None, int], bool],
    revision: Revision,
    goes_despite_doubt: bool,
) -> tuple[Task, ...]:
    """Return the tasks of a version without those about holds that a person has settled before.

    ``decides_alike`` tells whether what decides a cause is as it was in a version.
    ``goes_despite_doubt``: the grade is one at which a doubt holds nothing. Handling that could not
    be read never holds more than an embargo may hold, so others are told despite it at any grade.
    """
    versions = {(task.code, task.pointer): task.version for task in settled}
    tells_anew = _tells_anew(revision)

    def is_settled(task: Task) -> bool:
        before = versions.get((task.code, task.pointer))
        return (
            task.code in _HOLDS
            and before is not None
            and decides_alike(task.code, before)
            and not _holds_anew(_HOLDS[task.code], revision)
            and not (tells_anew and (goes_despite_doubt or task.code == HANDLING_UNREAD))
        )

    return tuple(task for task in tasks if not is_settled(task))


def judged(code: str | None, version: VersionDocument) -> Any:
    """Return all of a version that a person judges who decides about a hold of this code.

    Whom a workplace may tell depends on who the suspect is, and on the post as much as the place.
    """
    causes = (code, _BENEATH[code]) if code in _BENEATH else (code,)
    suspects = [
        (person.get("given_name"), person.get("family_name"), person["roles"])
        for person in version.judged.get("persons_posing_risk") or ()
        if person.get("roles") and code == SUSPECT_AT_RECIPIENT
    ]
    return [deciding(cause, version) for cause in causes], suspects


def deciding(code: str | None, version: VersionDocument) -> Any:
    """Return what of a version decides whether there is a hold, and for whom.

    ``code`` is that of the task which asks a person to release it; None where a time does. What a
    person is asked to judge is compared as it was written, also where nobody could read it.
    """
    document = version.judged
    if code != SUSPECT_AT_RECIPIENT:
        handling = document.get("handling") or {}
        wishes = handling.get("do_not_disclose_to") if code in _OF_WISHES else None
        unread = version.unread_handling if code is not _OF_A_TIME else None
        return handling.get("instructions"), handling.get("embargo"), wishes, unread
    workplaces = [
        [*(role.get(name) for name in _WORKPLACE), workplace_in(role.get("title"))]
        for person in document.get("persons_posing_risk") or ()
        for role in person.get("roles") or ()
    ]
    return workplaces, [child.get("school") for child in document.get("children") or ()]


def _tells_anew(revision: Revision) -> bool:
    """Tell whether somebody is told who was not told before, or whose part was held until now."""
    return any(issued.kind is DeliveryKind.REFERRAL for issued in revision.issued) or any(
        (changed.was.state, changed.now.state) == (DeliveryState.HELD, DeliveryState.AVAILABLE)
        for changed in revision.changed
    )


def _holds_anew(codes: frozenset[str | None], revision: Revision) -> bool:
    """Tell whether something is held for a cause for which it was not held before."""
    issued = (each.assignment.explanation for each in revision.issued)
    held = (changed.now.explanation for changed in revision.changed if _is_held_anew(changed))
    holds = (explanation.get("hold") for explanation in (*issued, *held))
    return any(hold is not None and hold["code"] in codes for hold in holds)


def _is_held_anew(changed: Changed) -> bool:
    """Tell whether a delivery is held now, and was not or for another cause."""
    held = DeliveryState.HELD
    was_held, before, after = (
        changed.was.state is held,
        changed.was.explanation.get("hold") or {},
        changed.now.explanation.get("hold") or {},
    )
    is_same = was_held and before.get("code") == after.get("code")
    return changed.now.state is held and not is_same
