"""The answers of a draft as the document that agencies read, to check before it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from broker.domain.codes import DeliveryKind, Role
from broker.domain.states import DeliveryState
from broker.inbox.changes import Change, changes
from broker.inbox.document import document
from broker.inbox.document_values import Document
from broker.policy.disclosure import HANDLING
from schemas.errors import Fault

_OUTSIDE = frozenset({"schema", "reference", HANDLING})
"""What stands beside the content of a delivery."""
_LEFT_OUT = frozenset({"why", "unknown"})
"""Sections that say of a delivery, or once more, what stands elsewhere."""
OWN_VIEW = "publisher"
"""Stands for the view of who wrote it: nothing is left out."""


def answers(
    written: Mapping[str, Any], *, now: datetime, defects: Sequence[Fault] = ()
) -> Document:
    """Return a draft as a document that people read; what is wrong stands beside it."""
    read = document(_delivery(written, now, defects), now=now, organisations={})
    sections = tuple(section for section in read.sections if section.id not in _LEFT_OUT)
    return replace(read, sections=sections)


def what_changed(
    before: Mapping[str, Any], after: Mapping[str, Any], *, now: datetime
) -> list[Change]:
    """Return what a correction changes, as agencies are shown it."""
    return changes(_delivery(before, now), _delivery(after, now))


def _delivery(
    written: Mapping[str, Any], now: datetime, defects: Sequence[Fault] = ()
) -> dict[str, Any]:
    """Return a document as a delivery that shows all of it."""
    grade = written.get("grade")
    level = str(grade.get("level", "")) if isinstance(grade, Mapping) else ""
    return {
        "content": {name: part for name, part in written.items() if name not in _OUTSIDE},
        HANDLING: written.get(HANDLING, {}),
        "kind": DeliveryKind.REFERRAL,
        "state": DeliveryState.AVAILABLE,
        "role": Role.LEAD,
        "view": OWN_VIEW,
        "publisher": "",
        "reference": written.get("reference", ""),
        "grade": level,
        "effective_grade": level,
        "available_at": now.isoformat(),
        "version": 1,
        "latest_version": 1,
        "changed": [],
        "deadlines": {},
        "defects": [asdict(defect) for defect in defects],
        "warnings": [],
    }
