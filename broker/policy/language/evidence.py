"""Which fields of a referral each fact rests on: nobody is told more than they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

NOWHERE = "/?"
"""A place that no view shows: what a fact rests on that nobody has said."""
_CONTACT = ("lives_with", "/persons_posing_risk")
_PLACE = ("address", "area", "found_area")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "referral.grade": ("/grade/level",),
    "referral.effective_grade": (),
    "referral.category": ("/concern/category",),
    "referral.domestic_abuse": ("/concern/domestic_abuse",),
    "referral.reported_nationally": ("/online/reports/source",),
    "referral.area": (),
    "referral.area_given": (),
    "referral.child_listed": (),
    "child.age": ("date_of_birth",),
    "child.missing": ("missing/status",),
    "child.returned": ("missing/status",),
    "child.looked_after": ("looked_after",),
    "child.protection_plan": ("protection_plan",),
    "child.placed_elsewhere": (*_PLACE, "placing_authority"),
    "child.found_elsewhere": (*_PLACE, "placing_authority"),
    "child.open_case_elsewhere": (*_PLACE, "open_case"),
    "child.lives_with_suspect": _CONTACT,
    "child.meets_suspect": _CONTACT,
    "child.at_school": ("school",),
    "child.health_need": ("health",),
    "child.adult_at_risk": ("/household",),
    "child.other_force": _PLACE,
    "child.nation": _PLACE,
    "child.country": _PLACE,
    "child.abroad": _PLACE,
    "child.area": _PLACE,
    "child.home_area": ("area",),
    "child.placing_authority": ("placing_authority",),
    "child.open_case_area": ("open_case",),
    "child.school_urn": ("school",),
    "person.age": ("date_of_birth", "age"),
    "person.under_ten": ("date_of_birth", "age"),
    "person.managed_by": ("management/managed_by",),
    "person.managing_area": ("management/area",),
    "person.status": ("management/status",),
    "person.other_force": ("area",),
    "person.nation": ("area",),
    "person.country": ("area",),
    "person.abroad": ("area",),
    "person.area": ("area",),
    "role.kind": ("kind",),
    "role.works_with_children": ("works_with_children",),
    "role.nation": ("area",),
    "role.area": ("area",),
    "anywhere": (),
}
"""For each fact and each place the fields of its subject; one that begins with / is of the whole
referral. A fact that is not listed is told to nobody but the publisher and ops."""


@lru_cache(maxsize=4096)
def pointers(names: tuple[str, ...], subjects: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return the places that facts rest on; ``subjects`` has the pointer of each kind of subject.

    Kept, because the same rules ask for the same places in nearly every referral.
    """
    places = dict(subjects)
    return tuple(
        dict.fromkeys(
            field if field.startswith("/") else f"{places.get(name.partition('.')[0], '')}/{field}"
            for name in names
            for field in FIELDS.get(name, (NOWHERE,))
        )
    )
