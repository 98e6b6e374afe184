"""Values of fields about people in words: addresses, schools, work and the like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from broker.inbox.document_source import UNKNOWN, Json, Surroundings, area, coded, plain
from broker.inbox.document_values import Line, LineKind
from broker.web.moments import instant_text
from schemas import labels

_NOT_SAID = frozenset({"REFU", "NOBT", "NS", "IC9"})
"""Codes of ethnicity that say that it is not known."""


def years(value: Any) -> str:
    """Return an age that was estimated."""
    return f"About {value}"


def sex(value: Any) -> str | Line:
    """Return a sex; where the police do not know it, as not known."""
    label = labels.SEXES.get(str(value), plain(value))
    return Line(label, LineKind.UNKNOWN, coming="") if value == UNKNOWN else label


def texts(value: Any) -> list[str]:
    """Return each text of a list, or the one text."""
    return [plain(item) for item in value] if isinstance(value, list) else [plain(value)]


def address(value: Any) -> list[str]:
    """Return an address in one line, and its property number."""
    lines = value.get("lines")
    parts = [*(texts(lines) if lines else ()), value.get("postcode")]
    country, uprn = value.get("country"), value.get("uprn")
    parts.append(area(country) if country else None)
    whole = ", ".join(plain(part) for part in parts if part)
    return [whole, f"Property number (UPRN) {uprn}" if uprn else ""]


def ethnicity(value: Any) -> list[str | Line]:
    """Return an ethnicity, and whose word it is."""
    code, basis = str(value.get("code")), value.get("basis")
    label = labels.ETHNICITIES.get(code, code)
    first = Line(label, LineKind.UNKNOWN, coming="") if code in _NOT_SAID else label
    return [first, labels.ETHNICITY_BASES.get(str(basis), plain(basis)) if basis else ""]


def disability(value: Any) -> str | Line | Sequence[str | Line]:
    """Return each disability, or that there is none."""
    return coded(labels.DISABILITIES)(value) if value else ["None"]


def open_case(value: Any) -> list[str]:
    """Return the team that works with a child already, and its council."""
    council = value.get("area")
    return [plain(value.get("team") or ""), area(council) if council else ""]


def school(value: Any) -> list[str]:
    """Return a school by name and number."""
    urn = value.get("urn")
    return [plain(value.get("name") or ""), f"School number (URN) {urn}" if urn else ""]


def health(value: Any) -> list[str]:
    """Return what health is needed for."""
    needs = [labels.HEALTH_NEEDS.get(str(need), plain(need)) for need in value.get("needs", ())]
    return [*needs, plain(value.get("details") or "")]


def missing(value: Any, clock: datetime | None) -> list[str]:
    """Return whether a child is missing, since when, and the police's reference."""
    status, since = str(value.get("status")), value.get("since")
    returned_at = value.get("returned_at")
    reference = value.get("reference")
    return [
        labels.MISSING_STATUSES.get(status, status),
        f"Missing from {instant_text(since, clock)}" if since else "",
        f"Came back {instant_text(returned_at, clock)}" if returned_at else "",
        f"Police reference {plain(reference)}" if reference else "",
    ]


def nhs_number(value: Any) -> str:
    """Return an NHS number in the groups in which it is read out."""
    digits = plain(value).replace(" ", "")
    return f"{digits[:3]} {digits[3:6]} {digits[6:]}" if len(digits) == 10 else plain(value)


def contact(value: Any, around: Surroundings) -> list[str]:
    """Return what contact somebody has with each child."""
    lines = []
    for item in value:
        nature = str(item.get("nature"))
        names = around.names_of([item.get("child")])
        label = labels.CONTACT_NATURES.get(nature, nature)
        lines.append(f"{names[0]}: {label}" if names else label)
    return lines


def roles(value: Any) -> list[str]:
    """Return each work or volunteering in one line."""
    return [_role(role) for role in value]


def _role(role: Json) -> str:
    kind, where = str(role.get("kind")), role.get("area")
    code, urn = role.get("organisation_code"), role.get("urn")
    children = role.get("works_with_children")
    work = ", ".join(plain(role[name]) for name in ("title", "organisation") if role.get(name))
    parts = [
        f"{labels.ROLE_KINDS.get(kind, kind)}: {work}" if work else labels.ROLE_KINDS.get(kind),
        f"in {area(where)}" if where else None,
        f"school number (URN) {urn}" if urn else None,
        f"listed as {plain(code)}" if code else None,
        None if children is None else "with children" if children else "not with children",
    ]
    return ", ".join(plain(part) for part in parts if part)


def management(value: Any) -> list[str]:
    """Return how somebody is managed as an offender, by whom and where."""
    status, manager = str(value.get("status")), value.get("managed_by")
    where = value.get("area")
    return [
        labels.MANAGEMENT_STATUSES.get(status, status),
        f"By: {labels.MANAGERS.get(str(manager), plain(manager))}" if manager else "",
        f"In {area(where)}" if where else "",
    ]
