"""The policy and its views: who gets which part of which referral, why, as what, and by when.

For editors and readers of ``policies/*/policy.yaml`` and ``views.yaml``. The broker itself reads
the files with checks that name the line, and that know the facts a condition may ask for.
"""

from __future__ import annotations

from typing import Any, ClassVar

from schemas import codes
from schemas.fields import Code, Either, Flag, Many, Mapped, One, Text, Whole
from schemas.formats import FieldPath, KindName, LocalDay, LocalId, Organisation, Within
from schemas.loading import Record
from schemas.referral import PARTS

_CONDITION = "An expression in CEL over documented facts; left out, it always holds."


class RecipientSchema(Record[dict[str, Any]]):
    """Who receives: a kind of organisation, and what it is looked up by."""

    record = dict
    kind = KindName("Such as `social-care`, or a kind that the directory declares.", required=True)
    of = Code(
        codes.Place, "The fact by which it is looked up, such as `child.area`.", required=True
    )


class RowSchema(Record[dict[str, Any]]):
    """One rule of routing."""

    class Meta:
        """Fields whose names are words of Python."""

        include: ClassVar[dict[str, Any]] = {
            "for": Code(
                codes.Subject, "The subjects that the rule looks at, one by one.", required=True
            ),
            "from": LocalDay("The first day on which the rule applies.", required=True),
        }

    record = dict
    id = LocalId("The ID of the rule, unique in the policy.", required=True)
    sentence = Text(500, "The rule in plain words, as agencies read it.", required=True)
    basis = Code(codes.Basis, "What the rule rests on.", required=True)
    source = Text(500, "The law, guidance or agreement that the rule follows.", required=True)
    when = Text(
        2000, "A condition in CEL over documented facts; without it the rule always applies."
    )
    to = One(RecipientSchema(), "Who receives the referral.", required=True)
    role = Code(
        codes.Role, "Whether the recipient must act, or has a copy for information.", required=True
    )
    view = LocalId("A view of `views.yaml`: which fields the recipient is shown.", required=True)
    sees = Many(Code(codes.Sees), 2, "Which people the view covers beside the rule's own subject.")
    deadlines = LocalId("The name of a set of deadlines.", required=True)
    until = LocalDay("The last day on which the rule applies.")
    held_by = Many(Code(codes.NoContactWith), 4, "The embargoes that hold the delivery back.")
    out_of_hours = Flag(
        "Whether an urgent one goes to the out-of-hours partner while the office is closed."
    )


class RemarkSchema(Record[dict[str, Any]]):
    """A rule about the grade: it raises it to ``to``, or without that only warns."""

    class Meta:
        """A field whose name is a word of Python."""

        include: ClassVar[dict[str, Any]] = {
            "for": Code(
                codes.Subject, "The subjects that the rule looks at, one by one.", required=True
            )
        }

    record = dict
    id = LocalId("The ID of the rule.", required=True)
    sentence = Text(500, "The rule in plain words.", required=True)
    when = Text(2000, "A condition in CEL over documented facts.", required=True)
    to = Code(codes.Grade, "The least urgent grade from then on; without it the rule only warns.")


class ClockSchema(Record[dict[str, Any]]):
    """A deadline that does not start with acceptance, or whose clock may be paused."""

    record = dict
    within = Within("How long the recipient has.", required=True)
    starts = Code(codes.ClockStart, "From when it counts; `accepted` if left out.")
    may_pause = Flag(
        "Whether the deadline may be paused with a reason; never for one that the law sets."
    )


class StepSchema(Record[dict[str, Any]]):
    """One step of a ladder: who is told, how, and how long after the breach."""

    record = dict
    to = Code(codes.NoticeRecipient, "Whose contact is alerted.", required=True)
    contact = Code(codes.Contact, "Which contact of that organisation.", required=True)
    by = Many(Code(codes.NoticeChannel), 4, "The channels to alert it by.", least=1, required=True)
    after = Within(
        "How long after the missed deadline, in the recipient's hours; at once if left out."
    )


class LadderSchema(Record[dict[str, Any]]):
    """Whom a breach is escalated to, one after the other, until a person acknowledges it."""

    class Meta:
        """A field whose name is a word of Python."""

        include: ClassVar[dict[str, Any]] = {
            "for": Many(
                Code((*codes.Grade, *codes.AlarmSubject)),
                10,
                "The grades or kinds of alarm that it is for.",
                least=1,
                required=True,
            )
        }

    record = dict
    sentence = Text(500, "The escalation policy in plain words.", required=True)
    steps = Many(
        One(StepSchema()), 10, "Who is alerted, one after the other.", least=1, required=True
    )


class EmbargoRulesSchema(Record[dict[str, Any]]):
    """How embargoes are looked after."""

    record = dict
    warn_before = Within(
        "How long before its end an embargo is told of; minutes or hours. 4 hours if left out."
    )
    tell = Many(One(StepSchema()), 10, "Who is told that an embargo ends, and how.")
    goes_despite_words = Many(
        Code(codes.Grade),
        5,
        "Grades at which an embargo that stands in the instructions alone holds nothing.",
    )


class InboxRulesSchema(Record[dict[str, Any]]):
    """What an agency's people are told in their inbox."""

    record = dict
    can_do = Mapped(
        LocalId(),
        Many(Text(300), 10),
        100,
        "What people of a kind of organisation can do with a referral, by kind.",
        required=False,
    )
    must_not = Mapped(
        LocalId(),
        Many(Text(300), 10),
        100,
        "What people of a kind of organisation must not do with a referral, by kind.",
        required=False,
    )
    may_know = Mapped(
        LocalId(),
        Many(LocalId(), 100),
        100,
        "Of which other kinds a kind of organisation is told that they have the referral too.",
        required=False,
    )
    remind_before = Within(
        "How long before a deadline those who answer are reminded by email; minutes or hours, at "
        "most 48 hours. Nobody is reminded if left out."
    )


class AlarmsSchema(Record[dict[str, Any]]):
    """When warnings come, in percent of the time, and whom they are told."""

    record = dict
    warn_at = Many(
        Whole(1, 99),
        10,
        "When warnings are sent, in percent of the time to the deadline.",
        required=True,
    )
    tell = Many(One(StepSchema()), 10, "Who is warned, and how.")
    own_acknowledgement = Within(
        "How long an agency's acknowledgement of an escalation about itself stops the steps that "
        "address it; 30 minutes if left out."
    )
    taken_on = Within(
        "For how long a person of ops or of the police deals with an escalation before people are "
        "alerted again; 30 minutes if left out."
    )


class AmendsSchema(Record[dict[str, Any]]):
    """What a correction, or a recall, asks of agencies that had an earlier version."""

    record = dict
    sentence = Text(500, "The rule in plain words, as agencies read it.", required=True)
    basis = Code(codes.Basis, "What the rule rests on.", required=True)
    source = Text(500, "The law, guidance or agreement that the rule follows.", required=True)
    deadlines = Mapped(
        Code(codes.Milestone),
        Either(Within(), One(ClockSchema())),
        3,
        "How long the recipient has, by milestone.",
        required=True,
    )


class VersionsSchema(Record[dict[str, Any]]):
    """What is sent to earlier recipients beside new content."""

    record = dict
    correction = One(AmendsSchema(), "The rule for corrections.", required=True)
    recall = One(AmendsSchema(), "The rule for recalls.", required=True)


class RecurrenceSchema(Record[dict[str, Any]]):
    """Which referrals for one child are counted, and from how many on it is told."""

    record = dict
    grade = Code(
        codes.Grade,
        "The grade of the referrals that are counted, as the police gave it.",
        required=True,
    )
    count = Whole(2, 20, "From how many referrals on it is reported.", required=True)
    within_days = Whole(1, 366, "In how many days they must lie.", required=True)


class LinkWindowSchema(Record[dict[str, Any]]):
    """Which referrals are linked because they name the same person, account, report or address."""

    record = dict
    within_days = Whole(1, 3660, "For how many days what was named is remembered.", required=True)


class SendingSchema(Record[dict[str, Any]]):
    """How long a publisher may send nothing."""

    record = dict
    after = Within("How long the publisher may send nothing.", required=True)


class CollectingSchema(Record[dict[str, Any]]):
    """How long an agency may not come for what waits in its queue."""

    record = dict
    after = Within("How long the agency may leave its queue alone.", required=True)
    due_within = Within("How near the nearest deadline must be for `then_after` to apply.")
    then_after = Within("How long it may leave its queue alone while a deadline is that near.")


class SilenceSchema(Record[dict[str, Any]]):
    """When an organisation has been silent for too long, by its code or its kind."""

    record = dict
    sending = Mapped(
        Organisation(), One(SendingSchema()), 200, "Limits for publishers, by code or kind."
    )
    collecting = Mapped(
        Organisation(), One(CollectingSchema()), 500, "Limits for agencies, by code or kind."
    )
    learned_after = Within("How long at least before an unusual silence is reported.")


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
        "Sets of deadlines by name, then by grade and milestone.",
    )
    alarms = One(AlarmsSchema(), "When warnings are sent, and to whom.")
    embargoes = One(
        EmbargoRulesSchema(), "Who is told before an embargo ends, and what words hold."
    )
    inbox = One(InboxRulesSchema(), "What an agency's people are told in their inbox.")
    ladders = Mapped(
        LocalId(), One(LadderSchema()), 20, "Escalation policies by name.", required=False
    )
    grades = Many(One(RemarkSchema()), 100, "Rules that raise the grade or warn about it.")
    versions = One(VersionsSchema(), "What corrections and recalls ask of earlier recipients.")
    recurrence = One(RecurrenceSchema(), "When several referrals for one child are reported.")
    links = One(LinkWindowSchema(), "For how long referrals that name the same are linked.")
    promptness = Mapped(
        Code(codes.Grade),
        Within(),
        5,
        "How long the police may know before they send a referral, by grade; minutes or hours.",
        required=False,
    )
    silence = One(SilenceSchema(), "When an organisation has been silent for too long.")
    tasks = Mapped(
        Code((*codes.Grade, "any")),
        Within(),
        6,
        "How long ops has for a task, and for what was rejected or refused, by the stated grade.",
        required=False,
    )
    rows = Many(One(RowSchema()), 1000, "The routing rules.", least=1, required=True)


class ViewSchema(Record[dict[str, Any]]):
    """An allow-list: what is not named is not shown."""

    record = dict
    sentence = Text(500, "Who it is for and why, in plain words.", required=True)
    shows = Mapped(
        Code(PARTS),
        Either(Code(("all",)), Many(FieldPath(), 100, least=1)),
        len(PARTS),
        "For each part of a referral `all`, or the fields that are shown.",
    )
    voice = Code(
        ("if_shared",),
        "With `if_shared` a child's voice is shown where `voice.share_with` names the recipient.",
    )
    household = Code(
        ("adults_at_risk",),
        "With `adults_at_risk` nobody of the household is shown but the adults at risk.",
    )


class ViewsSchema(Record[dict[str, Any]]):
    """Every view by its name."""

    record = dict
    views = Mapped(LocalId(), One(ViewSchema()), 100, "Every view by its name.")


POLICY = PolicySchema()
VIEWS = ViewsSchema()
