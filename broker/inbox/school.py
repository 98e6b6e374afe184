"""The page of a school: what a designated safeguarding lead must do now, and must not do.

It says no more than the school's own view, in another order: what must not happen stands first,
then what is asked, what it is about, and whom to call. The words of guidance are the policy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from broker.inbox.document_names import listed, names_of
from broker.inbox.document_source import Json, joined, plain
from broker.inbox.document_values import Document, Row, Section
from broker.policy.disclosure import CHILDREN, CONCERN, HANDLING
from broker.policy.time.moments import local_day
from schemas import labels
from schemas.immutable import immutable

_PARENTS, _OTHERS = "The parents", "Do not tell"
"""Rows about handling whom the school must not tell."""
_FIRST = ("summary", "police")
"""Sections that have a place of their own on the page."""


@immutable
class SchoolPage:
    """What a school reads of one delivery."""

    what: tuple[str, ...]
    """What it is about, in plain sentences."""
    must_not: tuple[str, ...]
    """What people of the school must not do, first what the police say of this referral."""
    handling: tuple[Row, ...]
    """What else the police say of how it must be treated."""
    about: Section | None
    """The kind of concern and its grade."""
    team: Section | None
    """Whom to ask at the police."""
    sections: tuple[Section, ...]
    """All other parts of the document."""


def school_page(
    view: Json, document: Document, *, now: datetime, must_not: Sequence[str]
) -> SchoolPage:
    """Return the page of a school's rendered delivery and its document.

    ``now`` is an aware instant, from which ages are counted. ``must_not`` are the policy's own
    texts for schools.
    """
    by_id = {section.id: section for section in document.sections}
    rows = document.handling.rows if document.handling else ()
    return SchoolPage(
        what=tuple(_what(view["content"], now)),
        must_not=(*_not_to_tell(view[HANDLING]), *must_not),
        handling=tuple(row for row in rows if not _is_listed(row, view[HANDLING])),
        about=by_id.get("summary"),
        team=by_id.get("police"),
        sections=tuple(section for section in document.sections if section.id not in _FIRST),
    )


def _what(content: Json, now: datetime) -> Iterator[str]:
    """Yield what the police tell the school of, in plain words."""
    names = names_of(content, local_day(now))
    pupils = [names[str(child.get("id"))] for child in listed(content, CHILDREN)]
    category = str((content.get(CONCERN) or {}).get("category"))
    concern = labels.CONCERN_CATEGORIES.get(category, "")
    whom = joined(pupils) if pupils else "a pupil of yours"
    kind = f": {concern[:1].lower()}{concern[1:]}" if concern and category != "other" else ""
    yield f"The police have a concern about {whom}{kind}."
    yield "They share with a school only what it needs to look after its pupils."


def _not_to_tell(handling: Json) -> Iterator[str]:
    """Yield whom the school must not tell. What is not known about the parents is no leave."""
    informed = _informed(handling)
    if informed is False:
        yield "Do not tell the parents or carers. They do not know of this."
    elif informed is not True:
        yield (
            "Do not tell the parents or carers before you have asked the officer: this page does "
            "not say whether they know of this."
        )
    if others := [plain(other) for other in handling.get("do_not_disclose_to") or ()]:
        yield f"Do not tell: {joined(others)}."


def _informed(handling: Json) -> Any:
    """Return whether the parents know of it; None where the view does not say."""
    parents = handling.get("parents_informed")
    return parents.get("informed") if isinstance(parents, Mapping) else None


def _is_listed(row: Row, handling: Json) -> bool:
    """Tell whether the list of what must not be done says all of a row."""
    if row.remarks:
        return False
    if row.label == _PARENTS:
        return _informed(handling) is False and len(row.lines) == 1
    return row.label == _OTHERS
