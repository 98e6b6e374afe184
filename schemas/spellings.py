"""Words that police systems write for a code, or where nothing is known.

A word stands here only where it means one thing. What is not here is set aside, or assumed with
caution, and named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from schemas.unknown import Unknown

_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_NOT_KNOWN = (
    *("unknown", "not_known", "n_k", "nk", "unk", "u_k_n", "dont_know", "don_t_know", "tbc", "tba"),
    *("to_be_confirmed", "not_yet_known", "not_recorded", "awaited", "pending"),
)
REASONS: Mapping[str, str] = {
    **{reason.value: reason.value for reason in Unknown},
    **dict.fromkeys(_NOT_KNOWN, Unknown.NOT_YET_KNOWN.value),
    **dict.fromkeys(
        ("declined", "declined_to_say", "prefer_not_to_say", "not_stated_refused"),
        Unknown.REFUSED.value,
    ),
}
"""Why something is not known, by the words for it."""
_NOTHING = frozenset({*_NOT_KNOWN, "", "na", "n_a", "none", "nil", "null", "not_applicable"})
_LONGEST_NOTHING = 30
_MISSING = (
    *("yes", "y", "missing_from_home", "missing_from_care", "currently_missing", "still_missing"),
    *("misper", "missing_person", "absconded", "awol", "absent_without_leave", "runaway"),
    *("run_away", "ran_away", "whereabouts_unknown", "not_located"),
)
CODES: Mapping[str, str] = {
    **dict.fromkeys(("f", "girl", "woman"), "female"),
    **dict.fromkeys(("m", "boy", "man"), "male"),
    **dict.fromkeys(
        ("schools", "teacher", "teachers", "head_teacher", "headteacher", "college", "nursery"),
        "school",
    ),
    **dict.fromkeys(
        ("parent", "parents", "mother", "father", "mum", "dad", "carer", "carers", "relatives"),
        "family",
    ),
    **dict.fromkeys(("employers", "work", "workplace"), "employer"),
    **dict.fromkeys(("suspect", "suspects", "offender", "perpetrator"), "person_posing_risk"),
    **dict.fromkeys(_MISSING, "missing"),
    **dict.fromkeys(("no", "n", "not_currently_missing"), "not_missing"),
    **dict.fromkeys(("found", "located", "no_longer_missing"), "returned"),
    **dict.fromkeys(
        ("nps", "probation_service", "national_probation_service", "the_probation_service"),
        "probation",
    ),
    **dict.fromkeys(("rso", "registered_sexual_offender"), "registered_sex_offender"),
    **dict.fromkeys(("licence", "on_license", "released_on_licence"), "on_licence"),
    **dict.fromkeys(("mappa_level_1", "mappa_level_2", "mappa_level_3"), "mappa"),
    **dict.fromkeys(("livestream", "live_stream", "live_streamed_abuse"), "livestreaming"),
    **dict.fromkeys(("iioc", "csam", "indecent_images"), "image_offence"),
    **dict.fromkeys(("online_grooming",), "grooming"),
    **dict.fromkeys(("resides_with", "same_household", "lives_at_address"), "lives_with"),
}
"""The code that a word means, where the field has it."""


def folded(text: str) -> str:
    """Return a text in small letters, with one underscore for all that stands between words."""
    return _NOT_A_WORD.sub("_", text.lower()).strip("_")


def says_nothing(value: Any) -> bool:
    """Tell whether a value is only a form's way to leave a field blank."""
    if isinstance(value, str):
        if value.isascii() and value.isalpha():
            return value.lower() in _NOTHING
        is_short = len(value) <= _LONGEST_NOTHING
        return is_short and folded(value) in _NOTHING and (value.isascii() or not value.strip())
    return value is None or value in ([], {})


def says_no(value: Any) -> bool:
    """Tell whether a value stands for a box that is not ticked."""
    return value is False or (isinstance(value, str) and folded(value) in {"no", "n", "false"})
