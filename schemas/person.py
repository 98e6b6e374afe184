"""Persons around a child: the household, and those who may pose a risk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas import codes
from schemas.child import Address, AddressSchema
from schemas.fields import Code, Flag, Knowable, Many, One, Text, Whole
from schemas.formats import Area, Day, LocalId
from schemas.loading import Record
from schemas.unknown import Unknown


@dataclass(frozen=True, slots=True)
class HouseholdMember:
    """Somebody in the child's household or close to it."""

    id: str
    given_name: str | None = None
    family_name: str | None = None
    date_of_birth: date | Unknown | None = None
    relationship: str | None = None
    children: tuple[str, ...] = ()
    parental_responsibility: bool | None = None


@dataclass(frozen=True, slots=True)
class WorkRole:
    """Work or volunteering: what the designated officer for allegations needs to know."""

    kind: codes.WorkKind
    title: str | None = None
    organisation: str | None = None
    area: str | None = None
    works_with_children: bool | None = None


@dataclass(frozen=True, slots=True)
class Management:
    """Whether and by whom the person is managed as an offender."""

    status: codes.ManagementStatus
    managed_by: codes.ManagedBy | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """How the person has to do with one child."""

    child: str
    nature: codes.ContactNature


@dataclass(frozen=True, slots=True)
class PersonPosingRisk:
    """A suspect, or another person who may pose a risk. May be a child too."""

    id: str
    given_name: str | None = None
    family_name: str | None = None
    date_of_birth: date | Unknown | None = None
    age: int | None = None
    sex: codes.Sex | Unknown | None = None
    address: Address | None = None
    area: str | None = None
    roles: tuple[WorkRole, ...] = ()
    management: Management | None = None
    contact: tuple[Contact, ...] = ()
    offence_history: str | None = None


class HouseholdMemberSchema(Record[HouseholdMember]):
    """Somebody in the child's household or close to it."""

    record = HouseholdMember
    id = LocalId(required=True)
    given_name = Text(200)
    family_name = Text(200)
    date_of_birth = Knowable(Day())
    relationship = Text(100, "To the children named in ``children``.")
    children = Many(LocalId(), 20, "Ids of children in this document.")
    parental_responsibility = Flag()


class WorkRoleSchema(Record[WorkRole]):
    """Work or volunteering."""

    record = WorkRole
    kind = Code(codes.WorkKind, required=True)
    title = Text(200)
    organisation = Text(200)
    area = Area("Where the work is done, which decides whose designated officer is told.")
    works_with_children = Flag()


class ManagementSchema(Record[Management]):
    """Whether and by whom the person is managed as an offender."""

    record = Management
    status = Code(codes.ManagementStatus, required=True)
    managed_by = Code(codes.ManagedBy)
    area = Area()


class ContactSchema(Record[Contact]):
    """How the person has to do with one child."""

    record = Contact
    child = LocalId("Id of a child in this document.", required=True)
    nature = Code(codes.ContactNature, required=True)


class PersonPosingRiskSchema(Record[PersonPosingRisk]):
    """A suspect, or another person who may pose a risk. May be a child too."""

    record = PersonPosingRisk
    id = LocalId(required=True)
    given_name = Text(200)
    family_name = Text(200)
    date_of_birth = Knowable(Day())
    age = Whole(0, 120, "In years, where the date of birth is not known.")
    sex = Knowable(Code(codes.Sex))
    address = One(AddressSchema())
    area = Area("Where the person lives.")
    roles = Many(One(WorkRoleSchema()), 10)
    management = One(ManagementSchema())
    contact = Many(One(ContactSchema()), 20)
    offence_history = Text(10_000)
