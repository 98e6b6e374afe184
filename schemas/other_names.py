"""Other names under which police systems write a field, and fields that they write elsewhere.

A name stands here only where it means one field. It is read where the schema has that field and
the document does not. What is not here is an unknown field: it is set aside and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_NOT_A_LETTER = re.compile(r"[\W_]+")
OTHER_NAMES: Mapping[str, str] = {
    "children": "child victim victims child_victim child_victims young_person young_people",
    "persons_posing_risk": "suspect suspects offender offenders perpetrator perpetrators "
    "alleged_offender alleged_offenders person_of_concern persons_of_concern",
    "household": "household_member household_members",
    "given_name": "first_name first_names forename forenames christian_name given_names name "
    "full_name",
    "family_name": "surname last_name family_names",
    "aliases": "alias aka known_as also_known_as nickname nicknames other_names",
    "date_of_birth": "dob birth_date",
    "expected_date_of_birth": "edd due_date expected_date expected_delivery_date "
    "expected_date_of_delivery",
    "approximate_age": "age estimated_age approx_age",
    "age": "approximate_age estimated_age approx_age",
    "area": "gss gss_code la la_code local_authority local_authority_code council council_code "
    "area_code",
    "postcode": "postal_code zip zip_code",
    "nhs_number": "nhs nhs_no",
    "upn": "unique_pupil_number",
    "language": "first_language main_language preferred_language",
    "interpreter_needed": "interpreter interpreter_required needs_interpreter",
    "ethnicity": "ethnic_origin ethnic_group self_defined_ethnicity",
    "disability": "disabilities",
    "looked_after": "lac looked_after_child is_looked_after child_in_care in_care",
    "protection_plan": "child_protection_plan cp_plan on_child_protection_plan",
    "missing": "is_missing missing_status missing_person misper currently_missing missing_child",
    "voice": "child_voice voice_of_the_child voice_of_child",
    "offence_history": "previous_convictions previous_offences",
    "management": "offender_management",
    "do_not_disclose_to": "do_not_disclose do_not_share do_not_share_with do_not_tell "
    "do_not_inform not_to_be_told",
    "no_contact_with": "no_contact do_not_contact",
    "telephone": "tel phone phone_number telephone_number mobile mobile_number contact_number",
    "email": "email_address e_mail_address",
    "reference": "ref reference_number",
    "occurrence_reference": "crime_number crime_reference occurrence_number",
    "grade": "grading risk_grade risk_grading risk_level",
    "level": "grade grading risk_level risk_grade",
    "first_known_at": "first_known date_first_known known_since",
    "summary": "description narrative circumstances",
}
"""By the name of a field: its other names."""
BESIDE: Mapping[str, tuple[str, str]] = {
    "postcode": ("address", "postcode"),
    "uprn": ("address", "uprn"),
    "school_urn": ("school", "urn"),
    "school_name": ("school", "name"),
    "missing_since": ("missing", "since"),
    "do_not_disclose_to": ("handling", "do_not_disclose_to"),
    "embargo": ("handling", "embargo"),
    "first_known_at": ("times", "first_known_at"),
    "summary": ("concern", "summary"),
    "category": ("concern", "category"),
}
"""Fields written beside the part to which they belong, and where they belong."""
_LINE = re.compile(
    r"(?:address)?(?:line)?[1-6]|(?:flat|house|building)(?:number|name|no)?|street(?:name)?|road|"
    r"locality|village|town|city|posttown|county"
)
"""A part of an address, as other systems name it."""


def fold(name: str) -> str:
    """Return a name in small letters, without what stands between them."""
    return _NOT_A_LETTER.sub("", name).casefold()


_MEANT: Mapping[str, Sequence[str]] = {
    other: [name for name, others in OTHER_NAMES.items() if other in map(fold, others.split())]
    for others in OTHER_NAMES.values()
    for other in map(fold, others.split())
}
_PLACES = {
    other: place
    for name, place in BESIDE.items()
    for other in (fold(name), *map(fold, OTHER_NAMES.get(name, "").split()))
}


def field_of(written: str, known: Mapping[str, Any]) -> str | None:
    """Return the field of a schema that a name means, or None where it has none, or several."""
    meant = [name for name in _MEANT.get(fold(written), ()) if name in known]
    return meant[0] if len(meant) == 1 else None


def part_of(written: str, known: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the part of a schema that a name belongs to, and its name there."""
    place = _PLACES.get(fold(written))
    return place if place and place[0] in known else None


def address_lines(address: Mapping[str, Any]) -> Iterator[str]:
    """Go through the names of an address whose lines are written one by one, as they stand."""
    for name, value in address.items():
        if isinstance(value, str) and _LINE.fullmatch(fold(name)):
            yield name
