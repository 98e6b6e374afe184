"""Which defects an agency is told of, and what was written where a field was treated.

They derive from the view as everything else does: a defect of what is not shown is not told, and
of a part that holds more people than the agency may see the original is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from broker.policy.disclosure import (
    ACTION_TAKEN,
    CHILDREN,
    CONCERN,
    CONTACT,
    EXTENSIONS,
    HOUSEHOLD,
    LIVES_WITH,
    MEMBER_CHILDREN,
    ONLINE,
    PERSONS,
    Disclosed,
    shows_whole,
)
from broker.policy.published.policy import Policy
from schemas import tolerance

PEOPLE = frozenset({CHILDREN, HOUSEHOLD, PERSONS})
_NARROWED = PEOPLE | {CONCERN, ONLINE, ACTION_TAKEN, EXTENSIONS}
"""The parts of which an agency may see some."""
_OF_OTHERS = frozenset({LIVES_WITH, CONTACT, MEMBER_CHILDREN})
"""What a person's record says of others."""

Defects = Sequence[Mapping[str, Any]]


def shown_defects(
    defects: Defects,
    received: Mapping[str, Any],
    document: Mapping[str, Any],
    disclosed: Disclosed,
    *,
    view: str,
    policy: Policy,
) -> list[dict[str, Any]]:
    """Return the defects of what is shown; what was written, to who may see all of the field.

    ``received`` is the document in the shape into which its defects point, ``document`` as it was
    judged.
    """
    shown = []
    for defect in defects:
        written = defect["pointer"]
        is_treated = "treatment" in defect
        judged = judged_pointer(written, received, document, defects) if is_treated else written
        place = disclosed.pointer(judged) if judged is not None else None
        if place is None:
            continue
        own = dict(defect)
        if (
            is_treated
            and shows_whole(view, place, policy)
            and _is_of_shown(written, received, disclosed)
        ):
            own["original"] = tolerance.original(received, written)
        shown.append({**own, "pointer": place})
    return shown


def _is_of_shown(pointer: str, received: Mapping[str, Any], disclosed: Disclosed) -> bool:
    """Tell whether what was written can be about none but those whom the agency may see.

    A list or an object of a part that was narrowed may hold others. A text may name them, of which
    its publisher is warned.
    """
    tokens = pointer.split("/")[1:]
    value: Any = received
    for token in tokens:
        value = _below(value, token)
    if not disclosed.hides or not isinstance(value, list | dict) or tokens[0] not in _NARROWED:
        return True
    is_in_item = any(token.isdecimal() for token in tokens[:-1])
    return is_in_item and _OF_OTHERS.isdisjoint(tokens)


def judged_pointer(
    pointer: str, received: Mapping[str, Any], document: Mapping[str, Any], defects: Defects
) -> str | None:
    """Return where something of the document as received stands in the one that was judged.

    None where that is not certain: what was left out of a list moves what comes after it.
    """
    tokens = pointer.split("/")[1:]
    before: Any = received
    after: Any = document
    for depth, token in enumerate(tokens):
        if isinstance(before, list) and token.isdecimal():
            if depth == 1 and tokens[0] in PEOPLE:
                id_ = tolerance.local_id(received, defects, tokens[0], int(token))
                ids = [item.get("id") for item in after] if isinstance(after, list) else []
                if id_ is None or id_ not in ids:
                    return None
                tokens[depth] = str(ids.index(id_))
            elif not isinstance(after, list) or len(after) != len(before):
                return None
        before, after = _below(before, token), _below(after, tokens[depth])
    return "".join(f"/{token}" for token in tokens)


def _below(value: Any, token: str) -> Any:
    if isinstance(value, list):
        return value[int(token)] if token.isdecimal() and int(token) < len(value) else None
    return value.get(token) if isinstance(value, dict) else None


def originals(shown: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what was written, of defects as they are shown."""
    return [defect["original"] for defect in shown if defect.get("original")]
