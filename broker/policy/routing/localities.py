"""Where somebody is, as far as a referral says: by an area's code, a country, or a postcode."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from broker.policy.places.gazetteer import UNITED_KINGDOM, UNKNOWN, Gazetteer, Match
from broker.policy.places.place import Place
from schemas.child import Address
from schemas.immutable import immutable


@immutable
class Locality:
    """Where somebody is."""

    area: str | None = None
    """The authority for children's services, a Crown dependency, or ``BFPO``."""
    nation: str = UNKNOWN
    country: str = UNKNOWN
    is_abroad: bool = False
    words: str = ""
    """How it is known, where it is not the area's own code that was written."""
    conflict: str | None = None
    """The pieces that contradict each other, in words."""
    gap: str | None = None
    """Why what was written gives no area, in words."""

    @property
    def is_known(self) -> bool:
        """Tell whether anything is known of it, if only the nation."""
        return self.nation != UNKNOWN or self.area is not None


NOWHERE = Locality()
_POSTCODE = re.compile(r"\b[A-Z]{1,2}[0-9][A-Z0-9]? {0,3}[0-9][A-Z]{2}\W*\Z", re.ASCII)


def locate(code: str | None, address: Address | None, gazetteer: Gazetteer) -> Locality:
    """Return where somebody is by the code of an area, or else by the address.

    A code counts before the address. Somebody abroad at a postcode of the United Kingdom is taken
    to be at both. What disagrees is said.
    """
    if address is None:
        return _located(code, None, None, gazetteer) if code else NOWHERE
    country, postcode = address.country, address.postcode
    if not (code or postcode) and country in (None, UNITED_KINGDOM):
        postcode = _in_lines(address.lines)
    if not (code or country or postcode):
        return NOWHERE
    return _located(code, country, postcode, gazetteer)


def _in_lines(lines: Sequence[str]) -> str | None:
    """Return the postcode at the end of an address that has none apart, or before its country."""
    found = (_POSTCODE.search(line.upper()) for line in reversed(lines[-2:]))
    return next((match[0] for match in found if match), None)


def authority(code: str | None, gazetteer: Gazetteer) -> str | None:
    """Return the area that a code stands for; the code itself where that is not one area."""
    place = gazetteer.place(code)
    return (place.area if place else None) or code


@lru_cache(maxsize=4096)
def _located(
    code: str | None, country: str | None, postcode: str | None, gazetteer: Gazetteer
) -> Locality:
    coded = gazetteer.place(code)
    if code and coded is None:
        return Locality(area=code)
    abroad = gazetteer.country(country)
    if abroad and abroad.country == UNITED_KINGDOM:
        abroad = None
    posted = gazetteer.postcode(postcode)
    is_certain = posted.match is Match.WHOLE and posted.place is not None
    by_post = posted.place if abroad is None or is_certain else None
    if coded is None and abroad and by_post and by_post.area:
        here = _by_address(by_post, posted.match, gazetteer)
        both = f"{abroad.said} and {by_post.said}"
        return replace(here, country=abroad.country, is_abroad=True, conflict=both)
    if coded is None:
        return _by_address(abroad or by_post, posted.match if postcode else None, gazetteer)
    chosen = _narrowed(coded, by_post)
    other = abroad or by_post
    conflict = f"{coded.said} and {other.said}" if other and _differ(chosen, other) else None
    return _locality(chosen, conflict=conflict, gazetteer=gazetteer, written=coded)


def _by_address(place: Place | None, match: Match | None, gazetteer: Gazetteer) -> Locality:
    if place is None:
        return Locality(gap=_GAPS.get(match) if match else None)
    words = f"by the address, places {gazetteer.edition.version}"
    return _locality(place, words=words, gazetteer=gazetteer, written=place)


def _narrowed(coded: Place, by_post: Place | None) -> Place:
    """Return the one of several areas that a postcode names, or the place as its code names it."""
    is_one_of = coded.area is None and by_post is not None and by_post.area in coded.areas
    return by_post if is_one_of and by_post else coded


def _differ(place: Place, other: Place) -> bool:
    if place.areas and other.areas:
        return not set(place.areas) & set(other.areas)
    return UNKNOWN not in (place.nation, other.nation) and place.nation != other.nation


def _locality(
    place: Place,
    *,
    gazetteer: Gazetteer,
    written: Place,
    words: str = "",
    conflict: str | None = None,
) -> Locality:
    several = [gazetteer.place(code) for code in place.areas] if place.area is None else []
    gap = None
    if several:
        gap = f"{place.said} is now {' and '.join(each.said for each in several if each)}."
    elif not place.area and not place.is_abroad:
        gap = f"{place.said} is no single authority's area."
    if not words and place.area and place.area != written.code:
        words = f"in {written.said}"
    return Locality(
        area=place.area,
        nation=place.nation,
        country=place.country,
        is_abroad=place.is_abroad,
        words=words,
        conflict=conflict,
        gap=gap,
    )


_GAPS = {
    Match.SEVERAL: "What is there of the postcode may be in more than one area.",
    Match.NOT_FOUND: "There is no such postcode in the edition that is installed.",
}
