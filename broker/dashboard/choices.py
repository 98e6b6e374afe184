"""Agencies and areas to choose from by their names, and what a person's choice stands for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from broker.dashboard.organisation_names import Names
from broker.errors import Fault, Invalid
from broker.policy.language.directory import Organisation
from broker.policy.places.gazetteer import Gazetteer
from broker.policy.time.calendars import LONDON

Groups = Mapping[str, Mapping[str, str]]
"""By the name of a kind: the name of each organisation by its code."""


def agencies(
    names: Names, now: datetime, *, kinds: Collection[str] | None = None, without: str = ""
) -> Groups:
    """Return the organisations of the directory, or those of some kinds, by kind and name."""
    directory = names.directory
    if directory is None:
        return {}
    day = now.astimezone(LONDON).date()
    chosen = [
        organisation
        for organisation in directory.organisations
        if organisation.is_in_effect(day)
        and organisation.code != without
        and (kinds is None or organisation.kind in kinds)
    ]
    groups: dict[str, dict[str, str]] = {}
    for organisation in sorted(chosen, key=lambda listed: (names.kind(listed.kind), listed.name)):
        group = groups.setdefault(names.kind(organisation.kind), {})
        group[organisation.code] = _label(names, organisation, now)
    return groups


def _label(names: Names, organisation: Organisation, now: datetime) -> str:
    closed = ", closed now" if organisation.is_open(now) is False else ""
    return f"{names.of(organisation.code)}{closed}"


def areas(names: Names) -> list[str]:
    """Return the names of the areas that the directory must cover, in their order."""
    known = names.directory.areas if names.directory else {}
    return sorted(area.name for area in known.values())


def area_of(text: str, names: Names, gazetteer: Gazetteer, field: str) -> str:
    """Return the code of the area that was typed: its name, a place, a postcode or a code.

    Raises Invalid, at the field, where there is no such place or it is not in one area alone.
    """
    typed = " ".join(text.split())
    known = names.directory.areas.values() if names.directory else ()
    same = [area.code for area in known if area.name.casefold() == typed.casefold()]
    place = gazetteer.find(typed) or gazetteer.named(typed)
    code = same[0] if len(same) == 1 else place.area if place else None
    if code is None:
        message = (
            f"We know no single area for ‘{typed[:60]}’. Choose a council from the list, or type a "
            "whole postcode."
        )
        raise Invalid(message, faults=[Fault(f"/{field}", "unknown-area", message)])
    return code
