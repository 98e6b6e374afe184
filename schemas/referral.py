"""The referral, version 1: what a police system hands in, once, about online abuse.

Three tiers: a fault means that it is refused, a defect that it goes out with the gap named, and
neither that it is as it should be.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import field, fields
from datetime import date
from itertools import chain
from operator import attrgetter
from typing import Any

from schemas import compiled, defects, links
from schemas.child import Child, ChildSchema
from schemas.concern import BLOCKS, Concern, ConcernSchema
from schemas.errors import Fault
from schemas.extensions import Extensions
from schemas.fields import Many, One
from schemas.formats import Reference, Surroundings, Version, surroundings
from schemas.handling import (
    ActionTaken,
    ActionTakenSchema,
    GradeSchema,
    Grading,
    Handling,
    HandlingSchema,
    Referrer,
    ReferrerSchema,
    Times,
    TimesSchema,
)
from schemas.immutable import immutable
from schemas.links import SOMEBODY
from schemas.loading import Loaded, Record, sort
from schemas.loading import load as load_record
from schemas.online import Online, OnlineSchema
from schemas.person import (
    HouseholdMember,
    HouseholdMemberSchema,
    PersonPosingRisk,
    PersonPosingRiskSchema,
)

_blocks_of = attrgetter(*BLOCKS)
"""The lists of a concern whose items may say whom they are about."""


@immutable
class Referral:
    """One referral. Instants are in UTC; lists that are left out are empty."""

    schema: str
    reference: str
    referrer: Referrer
    times: Times
    grade: Grading
    concern: Concern
    handling: Handling = field(default_factory=Handling)
    children: tuple[Child, ...] = ()
    household: tuple[HouseholdMember, ...] = ()
    persons_posing_risk: tuple[PersonPosingRisk, ...] = ()
    online: Online = field(default_factory=Online)
    action_taken: tuple[ActionTaken, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """By namespace; nothing in it decides anything."""

    @property
    def is_linked(self) -> bool:
        """Whether every id in it is given once and points at somebody: ``links.check`` finds none.

        Where it does not, that check says what is wrong.
        """
        children = {child.id for child in self.children}
        young = children.union([member.id for member in self.household])
        people = young.union([person.id for person in self.persons_posing_risk])
        listed = len(self.children) + len(self.household) + len(self.persons_posing_risk)
        accounts = self.online.identities
        if listed != len(people) or len({account.id for account in accounts}) != len(accounts):
            return False
        contacts = [each.child for person in self.persons_posing_risk for each in person.contact]
        homes = [id_ for member in self.household for id_ in member.children]
        named = [id_ for child in self.children for id_ in child.lives_with]
        named += [account.belongs_to for account in accounts if account.belongs_to is not None]
        named += [id_ for block in self._blocks() for id_ in block.about]
        return (
            young.issuperset(contacts)
            and (not homes or {SOMEBODY, *children}.issuperset(homes))
            and (not named or {SOMEBODY, *people}.issuperset(named))
        )

    def _blocks(self) -> Sequence[Any]:
        """Return what may say whom it is about."""
        concern = self.concern
        return (concern, *self.action_taken, *chain(*_blocks_of(concern)))

    @property
    def people(self) -> set[str]:
        """The local ids of everybody in it."""
        return {
            *(child.id for child in self.children),
            *(member.id for member in self.household),
            *(person.id for person in self.persons_posing_risk),
        }


HARMED = "children_alleged_to_have_harmed"
"""Where a view shows a person posing risk who is under 18, in words for a child."""
PARTS = (
    *(part.name for part in fields(Referral) if part.name not in ("schema", "reference")),
    HARMED,
)
"""The parts of a referral that a view can show."""


@immutable
class CheckedReferral:
    """What became of a document: a referral and its defects, or None and every fault."""

    referral: Referral | None
    faults: list[Fault]
    defects: list[Fault]
    document: Mapping[str, Any] | None = None
    """The document as it was judged; None where there is no referral."""


class ReferralSchema(Record[Referral]):
    """One referral about online abuse, version 1."""

    record = Referral
    schema = Version("The schema that this document follows.", required=True)
    reference = Reference("The publisher's own reference, unique for the publisher.", required=True)
    referrer = One(
        ReferrerSchema(), "The officer who refers, and how to reach them.", required=True
    )
    handling = One(
        HandlingSchema(), "How every agency must treat the referral; shown before the rest."
    )
    times = One(TimesSchema(), "When the police came to know what.", required=True)
    grade = One(GradeSchema(), "How urgent the police judge it, and why.", required=True)
    children = Many(One(ChildSchema()), 200, "The children. Empty while no child is known.")
    household = Many(
        One(HouseholdMemberSchema()), 200, "The adults and others around the children."
    )
    persons_posing_risk = Many(
        One(PersonPosingRiskSchema()), 200, "Suspects and others who may pose a risk."
    )
    online = One(OnlineSchema(), "What is known online: metadata only, never a file.")
    concern = One(ConcernSchema(), "What happened, and why it is a concern.", required=True)
    action_taken = Many(One(ActionTakenSchema()), 50, "What has been done already.")
    extensions = Extensions(
        "What a publisher adds for local use, by namespace. Nobody sees it, unless the policy "
        "names the namespace in a view; and then only who sees everybody whom it is about."
    )


REFERRAL = ReferralSchema()


def load(value: object, *, today: date, areas: Container[str] | None = None) -> CheckedReferral:
    """Check a document and load it. Never raises on any value that JSON can hold.

    ``today`` bounds what has happened; ``areas`` are the codes of areas that exist, or None to
    let any well-formed code pass.
    """
    loaded = _loaded(value, Surroundings(today, areas))
    is_linked = loaded.value is not None and loaded.value.is_linked
    dangling = links.check(value) if not is_linked and isinstance(value, dict) else []
    if loaded.value is None or dangling:
        return CheckedReferral(None, sort(loaded.faults + dangling), [])
    referral = loaded.value
    persons = referral.persons_posing_risk
    gaps = defects.find(referral.children, referral.times, persons, today=today)
    return CheckedReferral(referral, [], gaps, value if isinstance(value, dict) else None)


def _loaded(value: object, around: Surroundings) -> Loaded[Referral]:
    """Load a document by the short way, and where that gives up as the schema does."""
    token = surroundings.set(around)
    try:
        referral = compiled.read(REFERRAL, value, around)
        return load_record(REFERRAL, value) if referral is None else Loaded(referral, [])
    finally:
        surroundings.reset(token)
