"""Children who stand under the household: for routing they are children like those listed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from schemas.child import Child
from schemas.codes import ContactNature
from schemas.defects import ADULT_AT, age_on
from schemas.immutable import immutable
from schemas.person import HouseholdMember, PersonPosingRisk
from schemas.referral import Referral


@immutable
class HouseholdChild:
    """Somebody under 18 in the household, as the child that they are."""

    pointer: str
    """JSON pointer into the document."""
    child: Child
    """With what the household says of it; ``lives_with`` has everybody it shares a home with."""


def household_children(referral: Referral, on: date) -> tuple[HouseholdChild, ...]:
    """Return who stands under the household and is under 18 on a date."""
    return tuple(
        HouseholdChild(f"/household/{number}", _as_child(member, referral))
        for number, member in enumerate(referral.household)
        if _is_child(member, on)
    )


def adults_at_risk(referral: Referral, on: date) -> tuple[frozenset[str], ...]:
    """Return for each adult at risk in the household with whom they share a home, by local id.

    Who is under 18 on that date is a child, whatever else is written.
    """
    return tuple(
        frozenset(_home(member, referral))
        for member in referral.household
        if member.adult_at_risk is True and not _is_child(member, on)
    )


def without_age(referral: Referral) -> tuple[str, ...]:
    """Return the places of those in the household whose age nobody said."""
    return tuple(
        f"/household/{number}"
        for number, member in enumerate(referral.household)
        if not isinstance(member.date_of_birth, date)
    )


def _is_child(member: HouseholdMember, on: date) -> bool:
    years = age_on(on, member.date_of_birth, None)
    return years is not None and years < ADULT_AT


def _as_child(member: HouseholdMember, referral: Referral) -> Child:
    return Child(
        id=member.id,
        given_name=member.given_name,
        family_name=member.family_name,
        date_of_birth=member.date_of_birth,
        lives_with=tuple(sorted({*_home(member, referral)})),
    )


def _home(member: HouseholdMember, referral: Referral) -> Iterator[str]:
    """Go through those with whom somebody shares a home.

    The household is that of the children whom it names, or else of all; without any, it is that of
    the persons posing risk.
    """
    children, suspects = referral.children, referral.persons_posing_risk
    if not children:
        yield from (person.id for person in suspects)
    named = {*member.children, *(child.id for child in children if member.id in child.lives_with)}
    for child in children:
        if not named or child.id in named:
            yield from (child.id, *child.lives_with)
            yield from (person.id for person in suspects if _live_together(person, child.id))
    yield from (person.id for person in suspects if _live_together(person, member.id))


def _live_together(person: PersonPosingRisk, child: str) -> bool:
    return any(
        contact.child == child and contact.nature is ContactNature.LIVES_WITH
        for contact in person.contact
    )
