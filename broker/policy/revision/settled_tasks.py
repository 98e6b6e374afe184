"""What a person has decided about holds: a new version neither holds nor asks again.

It does where what decides them is written otherwise now, or where something is held that was not
held before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from broker.domain.states import DeliveryState
from broker.domain.task import (
    EMBARGO_IN_WORDS,
    HANDLING_UNREAD,
    SUSPECT_AT_RECIPIENT,
    WISH_IN_DOUBT,
    SettledTask,
    Task,
)
from broker.policy.revision.issued import Revision

Json = Mapping[str, Any]
_OF_HOLDS = frozenset({EMBARGO_IN_WORDS, SUSPECT_AT_RECIPIENT})
_OF_WISHES = frozenset({HANDLING_UNREAD, WISH_IN_DOUBT})
"""The holds that whom not to tell may decide as well."""
_WORKPLACE = ("organisation", "organisation_code", "urn")


def without_settled(
    tasks: Iterable[Task],
    settled: Sequence[SettledTask],
    *,
    documents: Mapping[int, Json],
    version: int,
    revision: Revision,
) -> tuple[Task, ...]:
    """Return the tasks of a version without those about holds that a person has settled before.

    ``documents`` holds this version and those of the settled tasks, by number.
    """
    versions = {task.code: task.version for task in settled}

    def is_settled(task: Task) -> bool:
        before = versions.get(task.code)
        return (
            task.code in _OF_HOLDS
            and before is not None
            and deciding(task.code, documents[before]) == deciding(task.code, documents[version])
            and not _holds_anew(task.code, revision)
        )

    return tuple(task for task in tasks if not is_settled(task))


def deciding(code: str | None, document: Json) -> Any:
    """Return what of a document decides whether there is a hold, and for whom.

    ``code`` is that of the task which asks a person to release it; None where a time does.
    """
    if code != SUSPECT_AT_RECIPIENT:
        handling = document.get("handling") or {}
        wishes = handling.get("do_not_disclose_to") if code in _OF_WISHES else None
        return handling.get("instructions"), handling.get("embargo"), wishes
    workplaces = [
        [role.get(name) for name in _WORKPLACE]
        for person in document.get("persons_posing_risk") or ()
        for role in person.get("roles") or ()
    ]
    return workplaces, [child.get("school") for child in document.get("children") or ()]


def _holds_anew(code: str, revision: Revision) -> bool:
    """Tell whether something is held for a cause that was not held before."""
    explanations = [issued.assignment.explanation for issued in revision.issued]
    explanations += [
        changed.now.explanation
        for changed in revision.changed
        if changed.now.state is DeliveryState.HELD and changed.was.state is not DeliveryState.HELD
    ]
    return any((explained.get("hold") or {}).get("code") == code for explained in explanations)
