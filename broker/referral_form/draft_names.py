"""How the form names the people of a draft, and what it holds, in a few words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from broker.inbox.document_names import age_of, heading_of, names_of
from broker.policy.time.duration_words import how_many
from broker.referral_form.json_paths import get
from broker.referral_form.questions import Path
from schemas import labels
from schemas.defects import ADULT_AT

Document = Mapping[str, Any]
_GROUPS = {"children": "children", "people": "persons_posing_risk", "household": "household"}
"""The part of the document that lists the people of a section."""


def items(document: Document, path: Path) -> list[Any]:
    """Return the items of a list of the document, none where there is no list."""
    listed = get(document, path)
    return listed if isinstance(listed, list) else []


def names(document: Document, on: date) -> dict[str, str]:
    """Return the name of everybody in a document by local id."""
    return names_of(document, on)


def children(document: Document, on: date) -> dict[str, str]:
    """Return the name of each child by local id."""
    return names_of({"children": items(document, ("children",))}, on)


def is_under_age(person: Any, on: date) -> bool:
    """Tell whether somebody is known to be under 18 on a day."""
    age = age_of(person, on) if isinstance(person, dict) else None
    return age is not None and age < ADULT_AT


def headline(item: Any, listing: str, on: date) -> str:
    """Return one line for an item of a list: a name, or the beginning of its text."""
    if not isinstance(item, dict):
        return "Written in a form that this page cannot show"
    if listing in _GROUPS:
        return heading_of(item, _GROUPS[listing], on)
    for key in ("text", "action", "username", "display_name", "name"):
        if isinstance(item.get(key), str) and item[key].strip():
            return _short(item[key])
    parts = (item[key] for key in ("source", "platform", "id") if isinstance(item.get(key), str))
    return _short(" ".join(parts)) or "Without a text"


def hint(section: str, document: Document, on: date) -> str:
    """Return what a section of the draft holds, in one line; empty where it holds nothing."""
    match section:
        case "urgency":
            level = get(document, ("grade", "level"))
            return labels.GRADE_NAMES.get(str(level), "")
        case "what-happened":
            category = get(document, ("concern", "category"))
            return labels.CONCERN_TITLES.get(str(category), "")
        case "team":
            name = get(document, ("referrer", "name"))
            return name if isinstance(name, str) else ""
        case "children" | "people" | "household":
            people = items(document, (_GROUPS[section],))
            return ", ".join(headline(person, section, on) for person in people)
    return ", ".join(_counts(section, document))


_COUNTED: Mapping[str, tuple[tuple[Path, str], ...]] = {
    "statements": (
        (("concern", "facts"), "fact"),
        (("concern", "third_party_reports"), "report"),
        (("concern", "judgements"), "judgement"),
        (("concern", "intelligence"), "piece"),
    ),
    "online": (
        (("online", "identities"), "account"),
        (("online", "reports"), "report"),
        (("online", "platforms"), "service"),
    ),
    "done": ((("action_taken",), "action"),),
}


def _counts(section: str, document: Document) -> Iterator[str]:
    for path, noun_ in _COUNTED.get(section, ()):
        if count := len(items(document, path)):
            yield how_many(count, noun_) + (" of intelligence" if noun_ == "piece" else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:99]}…"
