"""Places by their names: what people write where a code is wanted.

A name counts where it is that of one place alone. A misspelt one does not: a person reads it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from broker.policy.places.place import Place, PlaceKind

_NOT_A_LETTER = re.compile(r"[^a-z]+")
_AROUND = frozenset(
    {
        *("the", "of", "city", "county", "council", "borough", "district", "metropolitan", "royal"),
        *("unitary", "authority", "london", "republic", "cyngor", "area", "local"),
    }
)
"""Words that some write and others leave out."""
_LONGEST = 60
_NATIONS = ("england", "scotland", "wales", "cymru", "northern ireland", "great britain")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "W06000001": ("Ynys Môn", "Anglesey"),
    "W06000004": ("Sir Ddinbych",),
    "W06000005": ("Sir y Fflint",),
    "W06000006": ("Wrecsam",),
    "W06000009": ("Sir Benfro",),
    "W06000010": ("Sir Gaerfyrddin", "Sir Gâr"),
    "W06000011": ("Abertawe",),
    "W06000012": ("Castell-nedd Port Talbot",),
    "W06000013": ("Pen-y-bont ar Ogwr",),
    "W06000014": ("Bro Morgannwg",),
    "W06000015": ("Caerdydd",),
    "W06000018": ("Caerffili",),
    "W06000020": ("Tor-faen",),
    "W06000021": ("Sir Fynwy",),
    "W06000022": ("Casnewydd",),
    "W06000024": ("Merthyr Tudful",),
    "S12000013": ("Western Isles",),
    "E06000010": ("Hull",),
    "E10000028": ("Staffs",),
    "E06000051": ("Shrops", "Salop"),
    "E10000024": ("Notts",),
    "E10000017": ("Lancs",),
    "E10000018": ("Leics",),
    "E10000019": ("Lincs",),
    "E10000034": ("Worcs",),
    "E10000031": ("Warks",),
    "E10000014": ("Hants",),
    "E10000015": ("Herts",),
    "E10000025": ("Oxon",),
    "GB": ("UK", "U.K.", "GBR", "Britain", *_NATIONS),
    "IE": ("IRL", "ROI", "Eire", "Éire", "Southern Ireland"),
    "US": ("USA", "U.S.A.", "U.S.", "America", "United States of America"),
    "PH": ("PHL",),
    "CI": ("Ivory Coast",),
    "NL": ("Holland",),
    "CZ": ("Czech Republic",),
    "AE": ("UAE",),
}
"""Other names of places by their code: the Welsh ones, and usual short ones."""


def named(places: Mapping[str, Place]) -> Mapping[str, str]:
    """Return the code of each place by its name, as ``plain`` returns it."""
    codes: dict[str, set[str]] = {}
    for code, place in places.items():
        if place.kind in (PlaceKind.NATION, PlaceKind.FORMER) and len(place.areas) != 1:
            continue
        for name in (place.name, place.name.partition(",")[0], *ALIASES.get(code, ())):
            codes.setdefault(plain(name), set()).add(code)
    meant = ((name, _only(found, places)) for name, found in codes.items())
    return {name: code for name, code in meant if code is not None}


def plain(name: str) -> str:
    """Return a name in small letters, without accents and the words around it."""
    parts = unicodedata.normalize("NFKD", name[:_LONGEST]).casefold()
    letters = "".join(part for part in parts if not unicodedata.combining(part))
    words = _NOT_A_LETTER.sub(" ", letters.replace("'", "").replace(".", "")).split()
    bare = [word for word in words if word not in _AROUND]
    return " ".join(bare or words)


def _only(codes: Iterable[str], places: Mapping[str, Place]) -> str | None:
    """Return the code of the one place that a name means: a council before a part of it."""
    areas = {places[code].areas or (code,) for code in codes}
    return min(codes, key=lambda code: places[code].area != code) if len(areas) == 1 else None
