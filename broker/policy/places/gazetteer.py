"""The gazetteer: which places exist, and which authority answers for children there.

Who serves a place is the directory's to say, and another question. Every lookup is a value in, a
value out; the data is installed with the broker and does not change while it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from typing import Any

import orjson

from broker.policy.places import place_names, postcodes
from broker.policy.places.place import ELSEWHERE, Place, PlaceKind

UNKNOWN = "unknown"
BFPO = "BFPO"
"""British Forces Post Office: service families, in the country or abroad."""
UNITED_KINGDOM = "GB"
CROWN_DEPENDENCIES = ("GG", "IM", "JE")
_NATIONS = {"E": "ENG", "W": "WLS", "S": "SCT", "N": "NIR"}
NATION_NAMES = {
    "ENG": "England", "WLS": "Wales", "SCT": "Scotland", "NIR": "Northern Ireland",
}  # fmt: skip
_FORCES = re.compile(r"BFPO ?[0-9]{0,4}|BF[0-9].*")
_ISLANDS = {"GY": "GG", "IM": "IM", "JE": "JE"}
_NAMES = {"UK": UNITED_KINGDOM}


class Match(StrEnum):
    """How a postcode was found."""

    WHOLE = "whole"
    PART = "part"
    """Every postcode that begins so, or around one that is not known, is in one area; or the one
    that is meant by letters for digits."""
    SEVERAL = "several"
    """What is there of it may be in more than one area."""
    NOT_FOUND = "not_found"
    """It is newer than the edition, mistyped or invented; or the data cannot be read."""
    NO_POSTCODE = "no_postcode"
    """It has not the form of one."""


@dataclass(frozen=True, slots=True)
class Located:
    """What a postcode says about where something is."""

    match: Match
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PlacesEdition:
    """Which data it is."""

    sources: tuple[str, ...]
    sha256: str
    """Of all the data, in hexadecimal."""
    postcodes: str
    """The version of the postcode directory: year and month."""

    @property
    def version(self) -> str:
        """Its name: that of the postcodes and the beginning of the digest."""
        return f"{self.postcodes}-{self.sha256[:8]}"


_GSS = re.compile(r"[EWSNLM][0-9OIL]{8}\Z")
_DIGITS = str.maketrans("OIL", "011")


class Gazetteer:
    """Every authority, district, nation and country, and the postcodes."""

    def __init__(self, places: Mapping[str, Place], edition: PlacesEdition) -> None:
        self._places = places
        self._names: Mapping[str, str] = {}
        self.edition = edition
        self.authorities: Mapping[str, Place] = {
            code: place for code, place in places.items() if place.kind is PlaceKind.AUTHORITY
        }
        """Those that answer for children's services, by code."""
        self.areas = (*self.authorities, *CROWN_DEPENDENCIES, BFPO)
        """Every code that a directory may serve."""
        self.countries = tuple(
            code for code, place in places.items() if place.kind is PlaceKind.COUNTRY
        )
        """Their ISO codes."""

    def __contains__(self, code: object) -> bool:
        """Tell whether the code of an area or a country exists, or has existed."""
        return code in self._places or (isinstance(code, str) and self.place(code) is not None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def place(self, code: str | None) -> Place | None:
        """Return a place by its code in any case: GSS, country, or ``BFPO``."""
        if not code:
            return None
        if place := self._places.get(code):
            return place
        plain = "".join(code.split()).upper()
        return self._places.get(_NAMES.get(plain, plain))

    def named(self, text: str) -> Place | None:
        """Return the one place of a name, of the code in it or that it means, or None."""
        if place := self._miswritten(text):
            return place
        if not self._names:
            self._names = place_names.named(self._places)
        code = self._names.get(place_names.plain(text))
        return self._places[code] if code else None

    def _miswritten(self, text: str) -> Place | None:
        """Return the place of a GSS code that has letters for digits in it."""
        code = text.strip().upper()
        return self._places.get(code[0] + code[1:].translate(_DIGITS)) if _GSS.match(code) else None

    def country(self, code: str | None) -> Place | None:
        """Return a country by its ISO code."""
        place = self.place(code)
        return place if place and place.kind is PlaceKind.COUNTRY else None

    def postcode(self, text: str | None) -> Located:
        """Return where a postcode, or a part of one, is. Never raises."""
        if not text:
            return _NOWHERE
        located = self._located(" ".join(text.upper().split()))
        return self._misread(text) or located if located.place is None else located

    def _misread(self, text: str) -> Located | None:
        """Return where the one postcode is that a text means with a letter for a digit in it."""
        meant = [self._located(other) for other in postcodes.misread(text)]
        places = {located.place for located in meant if located.match is Match.WHOLE}
        return Located(Match.PART, places.pop()) if len(places) == 1 else None

    def find(self, text: str) -> Place | None:
        """Return the place that a code, a country or a postcode stands for, or None."""
        return self.place(text) or self.postcode(text).place

    @lru_cache(maxsize=4096)  # noqa: B019  There is one gazetteer as long as the process runs.
    def _located(self, text: str) -> Located:
        whole, parts = postcodes.whole(text), postcodes.beginnings(text)
        if _FORCES.fullmatch(text):
            return Located(Match.WHOLE, self._places[BFPO])
        if whole is None and not parts:
            return _NOWHERE
        if island := _ISLANDS.get(text[:2]):
            return Located(Match.WHOLE, self._places[island])
        try:
            return self._looked_up(whole, parts)
        except (OSError, ValueError):
            return Located(Match.NOT_FOUND)

    def _looked_up(self, whole: str | None, parts: list[str]) -> Located:
        """Look up a postcode; one that is not known, or has no authority, is where others are."""
        if whole and (areas := self._areas(whole)):
            return self._in(areas, Match.WHOLE)
        for beginning in postcodes.around(whole) if whole else parts:
            if areas := self._areas(beginning):
                return self._in(areas, Match.PART)
        return Located(Match.NOT_FOUND)

    def _areas(self, beginning: str) -> frozenset[str]:
        codes = postcodes.authorities(beginning) or frozenset()
        return frozenset(area for code in codes if code for area in self._places[code].areas)

    def _in(self, areas: frozenset[str], match: Match) -> Located:
        if len(areas) > 1:
            return Located(Match.SEVERAL)
        return Located(match, self._places[next(iter(areas))])


_NOWHERE = Located(Match.NO_POSTCODE)


@cache
def installed() -> Gazetteer:
    """Return the gazetteer that is installed with the broker."""
    ours = (files("broker.policy.places") / "areas.json").read_bytes()
    districts = _districts()
    document = orjson.loads(ours)
    return Gazetteer(_places(document, districts), _edition(document, ours, districts))


def _districts() -> list[dict[str, str]]:
    """Return the lookup of districts and authorities in England and Wales (ONS, April 2021)."""
    import qlacref_authorities  # noqa: PLC0415  It reads its file each time it is asked.

    return list(qlacref_authorities.records)


def _places(document: Mapping[str, Any], districts: list[dict[str, str]]) -> dict[str, Place]:
    """Return every place by its code: what is newer replaces what the lookup of 2021 says."""
    former: Mapping[str, Mapping[str, Any]] = document["former"]
    above = {row["LTLA21CD"]: row["UTLA21CD"] for row in districts}
    names = {row[f"{tier}21CD"]: row[f"{tier}21NM"] for row in districts for tier in _TIERS}
    names.update(document["authorities"])
    places = {
        code: _in_uk(code, name, PlaceKind.AUTHORITY, (code,))
        for code, name in names.items()
        if code not in former and above.get(code, code) == code
    }
    for code, name in names.items():
        if code not in former and code not in places:
            places[code] = _in_uk(code, name, PlaceKind.DISTRICT, (above[code],))
    for code, entry in former.items():
        now = tuple(entry["now"])
        name = entry.get("name") or names.get(code) or f"the former {names[now[0]]}"
        places[code] = _in_uk(code, name, PlaceKind.FORMER, now)
    return places | _elsewhere(document)


_TIERS = ("UTLA", "LTLA")


def _in_uk(code: str, name: str, kind: PlaceKind, areas: tuple[str, ...]) -> Place:
    return Place(code, name, kind, _NATIONS[code[0]], UNITED_KINGDOM, areas)


def _elsewhere(document: Mapping[str, Any]) -> dict[str, Place]:
    """Return nations, countries and the forces, whose codes are not those of an authority."""
    nations = {
        code: Place(code, NATION_NAMES[nation], PlaceKind.NATION, nation, UNITED_KINGDOM)
        for code, nation in document["nations"].items()
    }
    countries = {code: _country(code, name) for code, name in document["countries"].items()}
    islands = {
        code: _islands(code, [countries[each] for each in now])
        for code, now in document["elsewhere"].items()
    }
    forces = Place(BFPO, "British Forces Post Office", PlaceKind.FORCES, UNKNOWN, UNKNOWN, (BFPO,))
    return {**nations, **countries, **islands, BFPO: forces}


def _country(code: str, name: str) -> Place:
    if code == UNITED_KINGDOM:
        return Place(code, name, PlaceKind.COUNTRY, UNKNOWN, code)
    areas = (code,) if code in CROWN_DEPENDENCIES else ()
    return Place(code, name, PlaceKind.COUNTRY, ELSEWHERE, code, areas)


def _islands(code: str, now: list[Place]) -> Place:
    """Return what stands for one Crown dependency, or for the two that are the Channel Islands."""
    areas = tuple(area for place in now for area in place.areas)
    if len(now) > 1:
        return Place(code, "Channel Islands", PlaceKind.FORMER, ELSEWHERE, UNKNOWN, areas)
    return Place(code, now[0].name, PlaceKind.FORMER, ELSEWHERE, now[0].country, areas)


def _edition(
    document: Mapping[str, Any], ours: bytes, districts: list[dict[str, str]]
) -> PlacesEdition:
    digest = sha256(ours)
    digest.update(orjson.dumps(districts))
    version = "none"
    try:
        package = distribution(postcodes.DISTRIBUTION)
    except PackageNotFoundError:
        pass
    else:
        version = package.version
        for file in package.files or ():
            if file.hash and file.name.endswith(".br"):
                digest.update(f"{file.name} {file.hash.value}\n".encode())
    sources = (
        *document["sources"],
        "ONS: Lower Tier to Upper Tier Local Authority lookup, April 2021 (OGL v3.0)",
        f"ONS Postcode Directory, as packaged in {postcodes.DISTRIBUTION} {version} (OGL v3.0)",
    )
    return PlacesEdition(sources, digest.hexdigest(), version)
