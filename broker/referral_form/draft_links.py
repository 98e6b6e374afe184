"""From a place in the document to the page of the form that asks about it."""

from __future__ import annotations

from collections.abc import Iterable

from broker.referral_form.questions import Path
from broker.referral_form.sections import (
    LISTINGS,
    PAGES,
    SECTION_OF,
    Listing,
    Page,
    Section,
)
from schemas.errors import Fault
from schemas.immutable import immutable


@immutable
class FormPlace:
    """A page of the form about a place of the document."""

    section: Section
    address: str
    """Of the page, below the address of the draft."""
    is_voice: bool = False


def place_of(pointer: str) -> FormPlace | None:
    """Return the page that asks about a place; None where the form does not."""
    steps = tuple(int(step) if step.isdecimal() else step for step in pointer.split("/")[1:])
    for listing in LISTINGS.values():
        if steps[: len(listing.path)] == listing.path:
            return _in_listing(listing, steps[len(listing.path) :])
    for page in PAGES.values():
        if any(_meets(steps, question.path) for question in page.questions):
            return FormPlace(SECTION_OF[page.key], page.key)
    return None


def _in_listing(listing: Listing, steps: Path) -> FormPlace:
    section = SECTION_OF[listing.key]
    if not steps:
        return FormPlace(section, listing.key)
    page = _page_about(listing.pages, steps[1:])
    is_voice = page.is_voice and listing.key == "children"
    return FormPlace(section, f"{listing.key}/{steps[0]}/{page.key}", is_voice=is_voice)


def _page_about(pages: tuple[Page, ...], steps: Path) -> Page:
    """Return the page that asks about a field of an item, or its first page."""
    for page in pages:
        is_about = steps[:1] == (page.key,) if page.is_voice else False
        if is_about or any(steps and _meets(steps, question.path) for question in page.questions):
            return page
    return pages[0]


def _meets(steps: Path, path: Path) -> bool:
    """Tell whether one of two paths is the beginning of the other, over all places in lists."""
    names = [step for step in steps if isinstance(step, str)]
    path_names = [step for step in path if isinstance(step, str)]
    shortest = min(len(names), len(path_names))
    return bool(shortest) and names[:shortest] == path_names[:shortest]


def in_section(faults: Iterable[Fault], section: Section, *, is_voice: bool = False) -> list[Fault]:
    """Return the faults about a section, or of these about what children said."""
    return [
        fault
        for fault in faults
        if (place := place_of(fault.pointer))
        and place.section.key == section.key
        and place.is_voice is is_voice
    ]
