"""A child: who they are as far as known, where, with whom, and what they themselves said."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from marshmallow import ValidationError, validates_schema

from schemas import codes, labels
from schemas.fields import Code, Flag, Knowable, Many, One, Text, Whole
from schemas.formats import (
    Area,
    Country,
    Day,
    Instant,
    LocalId,
    NhsNumber,
    Postcode,
    Upn,
    Uprn,
    Urn,
)
from schemas.immutable import immutable
from schemas.loading import Record
from schemas.names import name_of
from schemas.unknown import Unknown


@immutable
class Address:
    """A place to live."""

    lines: tuple[str, ...] = ()
    postcode: str | None = None
    uprn: str | None = None
    country: str | None = None


@immutable
class Ethnicity:
    """A code, and whose word it is."""

    code: codes.EthnicityCode
    basis: codes.EthnicityBasis | None = None


@immutable
class OpenCase:
    """A team that works with the child already."""

    area: str
    team: str | None = None


@immutable
class School:
    """A school by its number, its name or both."""

    urn: str | None = None
    name: str | None = None


@immutable
class Health:
    """What the health service may be needed for."""

    needs: tuple[codes.HealthNeed, ...] = ()
    details: str | None = None


@immutable
class Missing:
    """Whether the child is missing now."""

    status: codes.MissingStatus
    since: datetime | None = None
    returned_at: datetime | None = None
    reference: str | None = None

    @property
    def is_away(self) -> bool:
        """Whether nobody knows where the child is; guidance no longer tells absent from missing."""
        return self.status in (codes.MissingStatus.MISSING, codes.MissingStatus.ABSENT)


@immutable
class Voice:
    """What the child said and showed, or why it said nothing."""

    said: str | None = None
    behaviour: str | None = None
    demeanour: str | None = None
    concerns: str | None = None
    views: str | None = None
    spoken_to_at: datetime | None = None
    spoken_to_by: str | None = None
    not_asked: str | None = None
    refused: str | None = None
    """How the child was asked, and did not want to speak."""
    share_with: tuple[str, ...] = ()
    """Kinds, codes or names of recipients that may hear it besides social care."""

    @property
    def heard(self) -> bool:
        """Return whether anything of the child's own is here."""
        return any((self.said, self.behaviour, self.demeanour, self.concerns, self.views))


@immutable
class Child:
    """One child. None means that nobody said; ``Unknown`` says why it is not known."""

    id: str
    given_name: str | None = None
    family_name: str | None = None
    aliases: tuple[str, ...] = ()
    date_of_birth: date | Unknown | None = None
    expected_date_of_birth: date | None = None
    approximate_age: int | None = None
    sex: codes.Sex | Unknown | None = None
    gender: str | Unknown | None = None
    ethnicity: Ethnicity | Unknown | None = None
    disability: tuple[codes.Disability, ...] | Unknown | None = None
    language: str | Unknown | None = None
    interpreter_needed: bool | None = None
    religion: str | Unknown | None = None
    nhs_number: str | Unknown | None = None
    upn: str | Unknown | None = None
    address: Address | None = None
    area: str | None = None
    found_area: str | None = None
    placing_authority: str | None = None
    looked_after: bool | None = None
    protection_plan: bool | None = None
    open_case: OpenCase | None = None
    school: School | None = None
    lives_with: tuple[str, ...] = ()
    health: Health | None = None
    missing: Missing | Unknown | None = None
    voice: Voice | Unknown | None = None


class AddressSchema(Record[Address]):
    """A place to live."""

    record = Address
    lines = Many(Text(200, required=True), 6, "The lines of the address, without the postcode.")
    postcode = Postcode("The whole postcode.")
    uprn = Uprn("Unique property reference number.")
    country = Country("Where it is abroad, or a Crown dependency; left out, GB.")


class EthnicitySchema(Record[Ethnicity]):
    """A code, and whose word it is: observed never becomes self-defined."""

    record = Ethnicity
    code = Code(
        codes.EthnicityCode,
        "The Department for Education's code, or the police's IC code.",
        required=True,
        labels=labels.ETHNICITIES,
    )
    basis = Code(codes.EthnicityBasis, "Whose word the code is.", labels=labels.ETHNICITY_BASES)


class OpenCaseSchema(Record[OpenCase]):
    """A team that works with the child already."""

    record = OpenCase
    area = Area("The council that works with the child; it gets the referral too.", required=True)
    team = Text(200, "The team and, if known, the social worker.")


class SchoolSchema(Record[School]):
    """A school by its number, its name or both."""

    record = School
    urn = Urn("Unique reference number from Get Information about Schools.")
    name = Text(200, "The school's name.")


class HealthSchema(Record[Health]):
    """What the health service may be needed for."""

    record = Health
    needs = Many(
        Code(codes.HealthNeed, labels=labels.HEALTH_NEEDS),
        4,
        "What the health service may be needed for.",
    )
    details = Text(4000, "What a health team needs to know.")


class MissingSchema(Record[Missing]):
    """Whether the child is missing now; a missing child raises the grade."""

    record = Missing
    status = Code(
        codes.MissingStatus,
        "Whether the child is missing now.",
        required=True,
        labels=labels.MISSING_STATUSES,
    )
    since = Instant("When the child went missing.", past=True)
    returned_at = Instant("When the child came back.", past=True)
    reference = Text(100, "The force's reference for the missing episode.")


_SPOKEN = (
    name_of(Voice, lambda voice: voice.said),
    name_of(Voice, lambda voice: voice.concerns),
    name_of(Voice, lambda voice: voice.views),
)
"""What a voice holds where the child spoke."""
_OF_THE_CHILD = (
    *_SPOKEN,
    name_of(Voice, lambda voice: voice.behaviour),
    name_of(Voice, lambda voice: voice.demeanour),
)
"""What a voice holds where the child was asked."""
_WHY_NOT = (
    ("not_asked", (*_OF_THE_CHILD, name_of(Voice, lambda voice: voice.refused))),
    ("refused", _SPOKEN),
)
"""Why a child said nothing, and what cannot stand beside it. A child who refuses still shows how
they are."""


class VoiceSchema(Record[Voice]):
    """What the child said and showed; ``refused`` where they were asked and did not want to speak;
    or ``not_asked`` with the reason, and nothing else."""

    record = Voice
    said = Text(10_000, "In the child's own words.")
    behaviour = Text(4000, "What the child did that others noticed.")
    demeanour = Text(4000, "How the child seemed.")
    concerns = Text(4000, "What worries the child.")
    views = Text(4000, "What the child wants to happen.")
    spoken_to_at = Instant("When somebody spoke with the child.", past=True)
    spoken_to_by = Text(200, "Who spoke with the child.")
    not_asked = Text(2000, "Why the child was not asked.")
    refused = Text(2000, "How the child was asked, and did not want to speak.")
    share_with = Many(
        Text(200, required=True),
        20,
        "Kinds, codes or names of recipients that may hear it besides social care, as far as the "
        "policy lets them.",
    )
    rules: ClassVar[dict[str, Any]] = {
        "dependentSchemas": {
            reason: {"properties": {name: {"maxLength": 0} for name in names}}
            for reason, names in _WHY_NOT
        }
    }

    @validates_schema(skip_on_field_errors=False)
    def _one_or_the_other(self, data: dict[str, Any], **_: Any) -> None:
        for reason, names in _WHY_NOT:
            if data.get(reason) and any(data.get(name) for name in names):
                message = "contradiction: Say what the child said, or why they said nothing."
                raise ValidationError(message, reason)


class ChildSchema(Record[Child]):
    """One child, as far as known. Leave out what was not considered; say why if not known."""

    record = Child
    id = LocalId("Names this child inside the document.", required=True)
    given_name = Text(200, "First names, as the child uses them.")
    family_name = Text(200, "Family name.")
    aliases = Many(Text(200, required=True), 20, "Other names that the child is known by.")
    date_of_birth = Knowable(Day("Date of birth."))
    expected_date_of_birth = Day("For a child that is not born yet.", expected=True)
    approximate_age = Whole(0, 25, "In years, where the date of birth is not known.")
    sex = Knowable(Code(codes.Sex, "Sex.", labels=labels.SEXES))
    gender = Knowable(Text(60, "Gender, in the child's own words."))
    ethnicity = Knowable(One(EthnicitySchema(), "Ethnicity, and whose word it is."))
    disability = Knowable(
        Many(
            Code(codes.Disability, labels=labels.DISABILITIES),
            13,
            "Disabilities, by the Department for Education's codes. Empty: none.",
        )
    )
    language = Knowable(Text(60, "First language."))
    interpreter_needed = Flag("Whether an interpreter is needed to speak with the child.")
    religion = Knowable(Text(100, "Religion or belief."))
    nhs_number = Knowable(NhsNumber("Ten digits; the last one checks the others."))
    upn = Knowable(Upn("Unique pupil number."))
    address = One(AddressSchema(), "Where the child lives.")
    area = Area("The council area where the child lives; its social care is told.")
    found_area = Area("The council area where the child was found or is now, if elsewhere.")
    placing_authority = Area("The council that looks after the child, if one has placed the child.")
    looked_after = Flag("Whether a council looks after the child.")
    protection_plan = Flag("Whether the child has a child protection plan.")
    open_case = One(OpenCaseSchema(), "A team that works with the child already.")
    school = One(SchoolSchema(), "The child's school, by number, name or both.")
    lives_with = Many(LocalId(), 200, "Ids of persons in this document.")
    health = One(HealthSchema(), "Why a health team is needed.")
    missing = Knowable(One(MissingSchema(), "Whether the child is missing; this raises the grade."))
    voice = Knowable(One(VoiceSchema(), "What the child said and showed, or why they did not."))
