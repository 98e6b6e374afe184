"""The policy and its views: who gets which part of which referral, why, as what, and by when.

For editors and readers of ``policies/*/policy.yaml`` and ``views.yaml``. The broker itself reads
the files with checks that name the line, and that know the facts a condition may ask for.
"""

from __future__ import annotations

from typing import Any, ClassVar

from schemas import codes
from schemas.fields import Code, Either, Flag, Many, Mapped, One, Text, Whole
from schemas.formats import FieldPath, LocalDay, LocalId, Organisation, Within
from schemas.loading import Record
from schemas.referral import PARTS

_CONDITION = "An expression in CEL over documented facts; left out, it always holds."


class RecipientSchema(Record[dict[str, Any]]):
    """Who receives: a kind of organisation, and what it is looked up by."""

    record = dict
    kind = Code(codes.OrganisationKind, required=True)
    of = Code(codes.Place, "Such as ``child.area``.", required=True)


class RowSchema(Record[dict[str, Any]]):
    """One rule of routing."""

    class Meta:
        """Fields whose names are words of Python."""

        include: ClassVar[dict[str, Any]] = {
            "for": Code(codes.Subject, "What it looks at, one by one.", required=True),
            "from": LocalDay("The first day on which it counts.", required=True),
        }

    record = dict
    id = LocalId(required=True)
    sentence = Text(500, "The rule in plain words, as agencies read it.", required=True)
    basis = Code(codes.Basis, required=True)
    source = Text(500, "The law, guidance or agreement that says so.", required=True)
    when = Text(2000, _CONDITION)
    to = One(RecipientSchema(), required=True)
    role = Code(codes.Role, required=True)
    view = LocalId("A view of ``views.yaml``.", required=True)
    sees = Many(Code(codes.Sees), 2, "What it sees beside its own subject.")
    deadlines = LocalId("One of the sets of deadlines above.", required=True)
    until = LocalDay("The last day on which it counts.")
    held_by = Many(Code(codes.NoContactWith), 4, "Embargoes that hold it.")
    out_of_hours = Flag("Urgent ones go to the partner while the office is closed.")


class RemarkSchema(Record[dict[str, Any]]):
    """A rule about the grade: it raises it to ``to``, or without that only warns."""

    class Meta:
        """A field whose name is a word of Python."""

        include: ClassVar[dict[str, Any]] = {"for": Code(codes.Subject, required=True)}

    record = dict
    id = LocalId(required=True)
    sentence = Text(500, required=True)
    when = Text(2000, _CONDITION, required=True)
    to = Code(codes.Grade, "The least grade from then on.")


class ClockSchema(Record[dict[str, Any]]):
    """A deadline that does not start with acceptance, or whose clock may be paused."""

    record = dict
    within = Within(required=True)
    starts = Code(codes.ClockStart, "From when it counts; left out, ``accepted``.")
    may_pause = Flag("It may be paused with a reason. Never so for what the law sets.")


class StepSchema(Record[dict[str, Any]]):
    """One step of a ladder: who is told, how, and how long after the breach."""

    record = dict
    to = Code(codes.NoticeRecipient, "Whose contact.", required=True)
    contact = Code(codes.Contact, required=True)
    by = Many(Code(codes.NoticeChannel), 3, least=1, required=True)
    after = Within("How long after the breach, on the recipient's clocks; left out, at once.")


class LadderSchema(Record[dict[str, Any]]):
    """Whom a breach is told, one after the other, until a person sees to it."""

    class Meta:
        """A field whose name is a word of Python."""

        include: ClassVar[dict[str, Any]] = {
            "for": Many(Code((*codes.Grade, *codes.AlarmSubject)), 10, least=1, required=True)
        }

    record = dict
    sentence = Text(500, required=True)
    steps = Many(One(StepSchema()), 10, least=1, required=True)


class AlarmsSchema(Record[dict[str, Any]]):
    """When warnings come, in percent of the time, and whom they are told."""

    record = dict
    warn_at = Many(Whole(1, 99), 10, required=True)
    tell = Many(One(StepSchema()), 10)


class AmendsSchema(Record[dict[str, Any]]):
    """What a correction, or a recall, asks of whoever had an earlier version."""

    record = dict
    sentence = Text(500, "In plain words, as agencies read it.", required=True)
    basis = Code(codes.Basis, required=True)
    source = Text(500, required=True)
    deadlines = Mapped(
        Code(codes.Milestone), Either(Within(), One(ClockSchema())), 3, required=True
    )


class VersionsSchema(Record[dict[str, Any]]):
    """What is sent to earlier recipients beside new content."""

    record = dict
    correction = One(AmendsSchema(), required=True)
    recall = One(AmendsSchema(), required=True)


class RecurrenceSchema(Record[dict[str, Any]]):
    """Which referrals for one child are counted, and from how many on it is told."""

    record = dict
    grade = Code(codes.Grade, "As the police gave it.", required=True)
    count = Whole(2, 20, required=True)
    within_days = Whole(1, 366, required=True)


class SendingSchema(Record[dict[str, Any]]):
    """How long a publisher may send nothing."""

    record = dict
    after = Within(required=True)


class CollectingSchema(Record[dict[str, Any]]):
    """How long an agency may not come for what waits in its queue."""

    record = dict
    after = Within(required=True)
    due_within = Within("When the nearest deadline is as close as this, ``then_after`` counts.")
    then_after = Within()


class SilenceSchema(Record[dict[str, Any]]):
    """When an organisation has been silent for too long, by its code or its kind."""

    record = dict
    sending = Mapped(Organisation(), One(SendingSchema()), 200)
    collecting = Mapped(Organisation(), One(CollectingSchema()), 500)
    learned_after = Within("What is learned is alarmed at the soonest after so long.")


class PolicySchema(Record[dict[str, Any]]):
    """Sets of deadlines by grade and milestone, rules about the grade, and the rows."""

    record = dict
    deadlines = Mapped(
        LocalId(),
        Mapped(
            Code((*codes.Grade, "any")),
            Mapped(Code(codes.Milestone), Either(Within(), One(ClockSchema())), 3),
            6,
        ),
        100,
    )
    alarms = One(AlarmsSchema())
    ladders = Mapped(LocalId(), One(LadderSchema()), 20, required=False)
    grades = Many(One(RemarkSchema()), 100)
    versions = One(VersionsSchema())
    recurrence = One(RecurrenceSchema())
    silence = One(SilenceSchema())
    rows = Many(One(RowSchema()), 1000, least=1, required=True)


class ViewSchema(Record[dict[str, Any]]):
    """An allow-list: what is not named is not shown."""

    record = dict
    sentence = Text(500, "For whom and what for, in plain words.", required=True)
    shows = Mapped(
        Code(PARTS),
        Either(Code(("all",)), Many(FieldPath(), 100, least=1)),
        len(PARTS),
        "For each part of a referral ``all``, or the fields that are shown.",
    )


class ViewsSchema(Record[dict[str, Any]]):
    """Every view by its name."""

    record = dict
    views = Mapped(LocalId(), One(ViewSchema()), 100)


POLICY = PolicySchema()
VIEWS = ViewsSchema()
