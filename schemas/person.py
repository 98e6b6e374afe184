"""Persons around a child: the household, and those who may pose a risk."""

from __future__ import annotations

from datetime import date

from schemas import codes, labels
from schemas.child import Address, AddressSchema, Voice, VoiceSchema
from schemas.fields import Code, Flag, Knowable, Many, One, Text, Whole
from schemas.formats import Area, Day, LocalId, Urn
from schemas.immutable import immutable
from schemas.loading import Record
from schemas.unknown import Unknown


@immutable
class HouseholdMember:
    """Somebody in the child's household or close to it."""

    id: str
    given_name: str | None = None
    family_name: str | None = None
    date_of_birth: date | Unknown | None = None
    relationship: str | None = None
    children: tuple[str, ...] = ()
    parental_responsibility: bool | None = None
    adult_at_risk: bool | None = None


@immutable
class WorkRole:
    """Work or volunteering: what the designated officer for allegations needs to know."""

    kind: codes.WorkKind
    title: str | None = None
    organisation: str | None = None
    organisation_code: str | None = None
    urn: str | None = None
    area: str | None = None
    works_with_children: bool | None = None


@immutable
class Management:
    """Whether and by whom the person is managed as an offender."""

    status: codes.ManagementStatus
    managed_by: codes.ManagedBy | None = None
    area: str | None = None


@immutable
class ContactWithChild:
    """How the person has to do with one child."""

    child: str
    nature: codes.ContactNature


@immutable
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
    contact: tuple[ContactWithChild, ...] = ()
    offence_history: str | None = None
    voice: Voice | Unknown | None = None


class HouseholdMemberSchema(Record[HouseholdMember]):
    """Somebody in the child's household or close to it."""

    record = HouseholdMember
    id = LocalId("Names this person inside the document.", required=True)
    given_name = Text(200, "First names.")
    family_name = Text(200, "Family name.")
    date_of_birth = Knowable(Day("Date of birth."))
    relationship = Text(100, "To the children named in ``children``.")
    children = Many(LocalId(), 200, "Ids of children in this document.")
    parental_responsibility = Flag("Whether the person has parental responsibility.")
    adult_at_risk = Flag(
        "Whether the person is an adult with care and support needs who is at risk of abuse or "
        "neglect; adult social care is told."
    )


class WorkRoleSchema(Record[WorkRole]):
    """Work or volunteering."""

    record = WorkRole
    kind = Code(codes.WorkKind, "What kind of work it is.", required=True, labels=labels.ROLE_KINDS)
    title = Text(200, "The job or role.")
    organisation = Text(200, "The employer or body that the work is for.")
    organisation_code = Text(100, "Its code in the directory, if it may be a recipient.")
    urn = Urn("Unique reference number, if it is a school.")
    area = Area("Where the work is done, which decides whose designated officer is told.")
    works_with_children = Flag("Whether the work is with children.")


class ManagementSchema(Record[Management]):
    """Whether and by whom the person is managed as an offender."""

    record = Management
    status = Code(
        codes.ManagementStatus,
        "How the person is managed as an offender.",
        required=True,
        labels=labels.MANAGEMENT_STATUSES,
    )
    managed_by = Code(codes.ManagedBy, "Who manages the person.", labels=labels.MANAGERS)
    area = Area(
        "The council area where the person is managed; decides whose offender manager is told."
    )


class ContactSchema(Record[ContactWithChild]):
    """How the person has to do with one child."""

    record = ContactWithChild
    child = LocalId("Id of a child in this document, if only in the household.", required=True)
    nature = Code(
        codes.ContactNature,
        "What contact the person has with the child.",
        required=True,
        labels=labels.CONTACT_NATURES,
    )


class PersonPosingRiskSchema(Record[PersonPosingRisk]):
    """A suspect, or another person who may pose a risk. May be a child too."""

    record = PersonPosingRisk
    id = LocalId("Names this person inside the document.", required=True)
    given_name = Text(200, "First names.")
    family_name = Text(200, "Family name.")
    date_of_birth = Knowable(
        Day("Date of birth. A person under 18 is shown as a child, never as a suspect.")
    )
    age = Whole(0, 120, "In years, where the date of birth is not known.")
    sex = Knowable(Code(codes.Sex, "Sex.", labels=labels.SEXES))
    address = One(AddressSchema(), "Where the person lives.")
    area = Area("The council area where the person lives.")
    roles = Many(One(WorkRoleSchema()), 10, "Work and volunteering.")
    management = One(
        ManagementSchema(), "Whether and by whom the person is managed as an offender."
    )
    contact = Many(One(ContactSchema()), 200, "What contact the person has with each child.")
    offence_history = Text(10_000, "Earlier offences, as far as they matter here.")
    voice = Knowable(
        One(VoiceSchema(), "What a person under 18 said and showed, or why they did not.")
    )
