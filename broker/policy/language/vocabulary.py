"""The words in which a policy is written: facts, places, kinds of organisation, and the like.

Every fact is a closed list of values, so that a condition can be tried out on all of them.
docs/policy.md lists the same names; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.codes import Grade

NATIONS = ("ENG", "WLS", "SCT", "NIR")
CHANNELS = ("mailbox", "queue")
BASES = ("statute", "guidance", "local", "assumption")
HOLDERS = ("family", "school", "employer", "person_posing_risk")
SOCIAL_CARE = "social-care"
FORCE = "force"
SCHOOL = "school"
KINDS = (
    SOCIAL_CARE, "out-of-hours", "lado", "health", "probation", SCHOOL, FORCE, "nca", "ops",
)  # fmt: skip
GRADES = tuple(str(grade) for grade in Grade)
SEES = ("children", "persons")

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "child": ("referral", "child"),
    "person": ("referral", "person"),
    "role": ("referral", "person", "role"),
    "referral": ("referral",),
}
"""What a row is about, and whose facts its condition may name."""

PLACES: Mapping[str, str] = {
    "child.area": "where the child is",
    "child.home_area": "where the child usually lives",
    "child.placing_authority": "the authority that placed the child",
    "child.open_case_area": "the authority where the child's case is open",
    "child.school_urn": "the school where the child is on the roll",
    "person.area": "where the person lives",
    "person.managing_area": "where the person is managed",
    "role.area": "where the person works or volunteers",
    "anywhere": "the whole country",
}
"""What an organisation is looked up by, and how that is said."""

Value = bool | str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that conditions may ask: in words, and every value that it can have."""

    words: str
    values: tuple[Value, ...] = (False, True)


FACTS: Mapping[str, Fact] = {
    "referral.grade": Fact("the grade that the police gave", GRADES),
    "referral.effective_grade": Fact("the grade that deadlines follow", GRADES),
    "referral.category": Fact(
        "the category of concern",
        ("image_offence", "grooming", "sextortion", "contact_abuse", "livestreaming",
         "self_generated", "other"),
    ),
    "referral.domestic_abuse": Fact("there is domestic abuse"),
    "referral.reported_nationally": Fact("it began as a report through NCMEC, the NCA or CEOP"),
    "child.age": Fact(
        "the child's age", ("unborn", "under_5", "5_to_17", "18_or_over", "unknown")
    ),
    "child.missing": Fact("the child is missing now"),
    "child.looked_after": Fact("the child is looked after by an authority"),
    "child.protection_plan": Fact("the child has a protection plan"),
    "child.placed_elsewhere": Fact("another authority placed the child"),
    "child.found_elsewhere": Fact("the child is away from where it usually lives"),
    "child.open_case_elsewhere": Fact("another authority has an open case"),
    "child.lives_with_suspect": Fact("the child lives with a person posing risk"),
    "child.meets_suspect": Fact("the child lives with or regularly meets a person posing risk"),
    "child.at_school": Fact("the child is on the roll of a school"),
    "child.health_need": Fact("the child has a health need"),
    "child.other_force": Fact("the child is in another force's area"),
    "person.age": Fact("the person's age", ("under_18", "adult", "unknown")),
    "person.managed_by": Fact("who manages the person", ("none", "police", "probation")),
    "person.status": Fact(
        "the person's managed status",
        ("none", "registered_sex_offender", "on_licence", "community_order", "mappa", "unknown"),
    ),
    "person.other_force": Fact("the person lives in another force's area"),
    "role.kind": Fact(
        "the kind of work",
        ("employment", "volunteering", "foster_carer", "registered_childminder", "unknown"),
    ),
    "role.works_with_children": Fact("the person works or volunteers with children"),
}  # fmt: skip
