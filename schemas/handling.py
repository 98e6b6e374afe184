"""Who refers, how the referral is to be handled, when what became known, and how urgent it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from marshmallow import ValidationError, validates_schema

from schemas import codes, labels
from schemas.fields import Code, Flag, Many, One, Text
from schemas.formats import Email, Instant, concerned
from schemas.immutable import immutable
from schemas.loading import Record


@immutable
class Referrer:
    """The officer who refers, with at least one way to reach them."""

    name: str
    role: str
    unit: str | None = None
    email: str | None = None
    telephone: str | None = None
    occurrence_reference: str | None = None
    officer_in_case: str | None = None
    supervisor: str | None = None


@immutable
class CallFirst:
    """Whom to call before doing anything."""

    name: str
    telephone: str


@immutable
class Embargo:
    """What must not happen before a moment, so that an arrest is not spoilt."""

    until: datetime
    reason: str
    no_contact_with: tuple[codes.NoContactWith, ...] = ()
    call_first: CallFirst | None = None


@immutable
class ParentsInformed:
    """Whether the parents know of the referral, and why."""

    informed: bool
    reason: str | None = None


@immutable
class Handling:
    """How everybody who gets the referral must treat it."""

    marking: codes.Marking | None = None
    instructions: str | None = None
    embargo: Embargo | None = None
    do_not_disclose_to: tuple[str, ...] = ()
    parents_informed: ParentsInformed | None = None


@immutable
class Times:
    """When the police came to know what."""

    first_known_at: datetime
    child_identified_at: datetime | None = None
    graded_at: datetime | None = None
    submitted_at: datetime | None = None


@immutable
class Grading:
    """How urgent the police judge it, and why."""

    level: codes.Grade
    reason: str
    tool: str | None = None
    graded_by: str | None = None


@immutable
class ActionTaken:
    """Something that was done already."""

    action: str
    at: datetime | None = None
    by: str | None = None
    details: str | None = None
    about: tuple[str, ...] = ()


class ReferrerSchema(Record[Referrer]):
    """The officer who refers: an email address or a telephone number is needed."""

    record = Referrer
    rules: ClassVar[dict[str, Any]] = {
        "anyOf": [{"required": ["email"]}, {"required": ["telephone"]}]
    }
    name = Text(200, "The officer's name.", required=True)
    role = Text(200, "Rank or post.", required=True)
    unit = Text(200, "Team or department.")
    email = Email("Where to write to; this or a telephone number is needed.")
    telephone = Text(60, "Where to call; this or an email address is needed.")
    occurrence_reference = Text(100, "The force's own crime or occurrence reference.")
    officer_in_case = Text(200, "The officer in the case, if somebody else.")
    supervisor = Text(200, "The officer's supervisor.")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _reachable(self, _: Any, original: Any, **__: Any) -> None:
        if isinstance(original, dict) and not (original.get("email") or original.get("telephone")):
            raise ValidationError("no-contact: Give an email address or a telephone number.")


class CallFirstSchema(Record[CallFirst]):
    """Whom to call before doing anything."""

    record = CallFirst
    name = Text(200, "Whom to call.", required=True)
    telephone = Text(60, "The number to call.", required=True)


class EmbargoSchema(Record[Embargo]):
    """What must not happen before a moment. It never delays social care."""

    record = Embargo
    until = Instant("Until when it holds.", required=True)
    reason = Text(2000, "Why it is needed.", required=True)
    no_contact_with = Many(
        Code(codes.NoContactWith, labels=labels.NO_CONTACT_WITH),
        4,
        "Who must not be contacted until then.",
    )
    call_first = One(CallFirstSchema(), "Whom to call before doing anything.")


class ParentsInformedSchema(Record[ParentsInformed]):
    """Whether the parents know of the referral, and why."""

    record = ParentsInformed
    informed = Flag("Whether the parents know.", required=True)
    reason = Text(2000, "Why they do or do not.")


class HandlingSchema(Record[Handling]):
    """How everybody who gets the referral must treat it; shown before anything else."""

    record = Handling
    marking = Code(codes.Marking, "Government security classification.", labels=labels.MARKINGS)
    instructions = Text(4000, "What every agency must do or not do with the referral.")
    embargo = One(
        EmbargoSchema(), "What must not happen before a moment. It never delays social care."
    )
    do_not_disclose_to = Many(
        Text(200, required=True),
        20,
        "Who must not learn of the referral: a kind, code, URN or name keeps that recipient out; "
        "every recipient is shown the list.",
    )
    parents_informed = One(
        ParentsInformedSchema(), "Whether the parents know of the referral, and why."
    )


class TimesSchema(Record[Times]):
    """When the police came to know what; inspectors measure delay from ``first_known_at``."""

    record = Times
    first_known_at = Instant("When any part of the force first knew.", required=True, past=True)
    child_identified_at = Instant("When the child was identified.", past=True)
    graded_at = Instant("When the grade was given.", past=True)
    submitted_at = Instant("When the police system sent the referral.", past=True)


class GradeSchema(Record[Grading]):
    """How urgent the police judge it, and why."""

    record = Grading
    level = Code(
        codes.Grade,
        "The grade; the policy counts deadlines from it.",
        required=True,
        labels=labels.GRADES,
    )
    reason = Text(4000, "Why this grade.", required=True)
    tool = Text(100, "The risk assessment tool, if one was used.")
    graded_by = Text(200, "Who gave the grade.")


class ActionTakenSchema(Record[ActionTaken]):
    """Something that was done already."""

    record = ActionTaken
    action = Text(300, "What was done.", required=True)
    at = Instant("When it was done.", past=True)
    by = Text(200, "Who did it.")
    details = Text(4000, "More about it.")
    about = concerned()
