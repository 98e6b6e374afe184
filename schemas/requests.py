"""What agencies, publishers and ops ask for: one schema for each body that a call takes.

``load(COLLECT, value)`` gives ``Loaded(value, faults)``, as for every other schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from marshmallow import ValidationError, validates_schema

from schemas import codes
from schemas.directory import ORGANISATION
from schemas.fields import (
    Anything,
    Code,
    Many,
    Mapped,
    One,
    Seconds,
    ShownLine,
    ShownText,
    Text,
    Whole,
)
from schemas.formats import Area, Day, Identifier, Instant, LocalId, Organisation
from schemas.immutable import immutable
from schemas.loading import Loaded, Record, load

__all__ = [
    "ACT_ON_AGENCY",
    "ANSWER",
    "AREAS",
    "COLLECT",
    "EXTEND_HOLD",
    "HAND_OVER_ESCALATION",
    "HOLD",
    "LEASES",
    "PATCH_ORGANISATION",
    "PAUSE",
    "PLAN_REPLAY",
    "QUESTION",
    "RECALL",
    "RECEIPTS",
    "RECONCILIATION",
    "RELEASE_ESCALATION",
    "REROUTE",
    "SEES_TO",
    "SETTLE_TASK",
    "START_REPLAY",
    "Loaded",
    "load",
]

RECEIPT_LIMIT = 1000
REFERENCE_LIMIT = 5000
PER_MINUTE = 60
_NOTE = 250
"""Characters of a note; beside the person's name it fits the reason of an act."""
FASTEST = 6000
_STAGES = tuple(codes.Stage)
_REQUIRED = (("decided", "outcome"), ("returned", "reason"))
_OF_A_DECISION = ("views_considered", "child_told")
_OF_STAGES = (*_REQUIRED, *(("decided", name) for name in _OF_A_DECISION))
"""Fields that only one stage has."""


@immutable
class Collect:
    """Ask for up to ``max`` deliveries, and wait so many seconds for the first."""

    max: int = 10
    wait: float = 0.0


@immutable
class NewReceipt:
    """What an agency says about one delivery."""

    delivery: UUID
    stage: codes.Stage
    by: str
    lease: UUID | None = None
    outcome: codes.Outcome | None = None
    reason: codes.ReturnReason | None = None
    note: str | None = None
    area: str | None = None
    views_considered: codes.ViewsConsidered | None = None
    child_told: codes.ChildTold | None = None


@immutable
class Receipts:
    """What an agency says about many deliveries, in order."""

    receipts: tuple[NewReceipt, ...]


@immutable
class Pause:
    """Why a clock is to be paused."""

    reason: codes.PauseReason


@immutable
class SeesTo:
    """Who sees to an escalation."""

    by: str


@immutable
class ReleaseEscalation:
    """Who undoes that an escalation was taken on."""

    by: str
    note: str | None = None


@immutable
class HandOverEscalation:
    """Who asks whom to take an escalation over."""

    by: str
    to: str
    note: str | None = None


@immutable
class HeldLease:
    """A lease on a delivery."""

    delivery: UUID
    lease: UUID


@immutable
class Leases:
    """Leases to keep or to give back."""

    leases: tuple[HeldLease, ...]


@immutable
class Areas:
    """Where children and persons of an unroutable referral live, by their local ids."""

    areas: Mapping[str, str]
    expected_version: int | None = None


@immutable
class SettleTask:
    """How a task was dealt with, and by whom."""

    reason: str
    by: str | None = None


@immutable
class Hold:
    """Why a held delivery is released or kept, and who decides it."""

    reason: str
    by: str | None = None
    expected_version: int | None = None


@immutable
class ExtendHold:
    """Until when a held delivery is held, why, and who decides it."""

    until: datetime
    reason: str
    by: str | None = None
    expected_version: int | None = None


@immutable
class ActOnAgency:
    """Why delivery to an agency is suspended or resumed, and who decides it."""

    reason: str
    by: str


@immutable
class ChangeOrganisation:
    """What an organisation is to be, from when on, why, and who decides it."""

    entry: dict[str, Any]
    reason: str
    by: str
    starts_at: datetime | None = None


@immutable
class PlanReplay:
    """Which dead letters to replay, or to redirect to ``receiver``, and how many a minute."""

    by: str
    id: UUID | None = None
    agency: str | None = None
    cause: str | None = None
    receiver: str | None = None
    per_minute: int = PER_MINUTE


@immutable
class StartReplay:
    """Why a plan is started, the number in it, and who starts it."""

    reason: str
    count: int
    by: str | None = None


@immutable
class Recall:
    """Why a referral is taken back, and which person says so."""

    reason: codes.RecallReason
    by: str
    expected_version: int | None = None


@immutable
class AskedQuestion:
    """What an agency asks the police about a delivery."""

    topic: codes.QuestionTopic
    text: str


@immutable
class GivenAnswer:
    """What a publisher answers: a text, the version of the referral that answers, or both."""

    by: str
    text: str | None = None
    version: int | None = None


@immutable
class Reroute:
    """Where a returned delivery goes instead: an area or an agency."""

    agency: str | None = None
    area: str | None = None
    expected_version: int | None = None


@immutable
class Reconciliation:
    """The references of a day's occurrences that concern a child."""

    day: date
    references: tuple[str, ...]


class CollectSchema(Record[Collect]):
    """Ask for deliveries, earliest deadline first."""

    record = Collect
    max = Whole(1, 100, "How many deliveries at most; 10 if left out.")
    wait = Seconds(30, "How many seconds to wait for the first one; 0 if left out.")


class NewReceiptSchema(Record[NewReceipt]):
    """What an agency says about one delivery. May be repeated.

    The first answer stands; of decisions the newest, and all stay in the history.
    """

    record = NewReceipt
    rules: ClassVar[dict[str, Any]] = {
        "allOf": [
            {
                "if": {"properties": {"stage": {"const": stage}}, "required": ["stage"]},
                "then": {"properties": {name: True}, "required": [name]},
                "else": {"properties": {name: False}},
            }
            for stage, name in _REQUIRED
        ]
        + [
            {
                "if": {"properties": {"stage": {"not": {"const": "decided"}}}},
                "then": {"properties": dict.fromkeys(_OF_A_DECISION, False)},
            }
        ]
    }
    delivery = Identifier("The ID of the delivery.", required=True)
    stage = Code(codes.Stage, "What happened to the delivery.", required=True)
    by = ShownLine(200, "The person who did it; for `collected`, the software.", required=True)
    lease = Identifier("The lease under which you collected it.")
    outcome = Code(codes.Outcome, "What you decided. Only with `decided`, and then required.")
    reason = Code(codes.ReturnReason, "Why you return it. Only with `returned`, and then required.")
    note = ShownText(4000, "Anything to add, in your own words. The publisher can read it.")
    area = Area("The right area, if you know it. With `wrong_area`.")
    views_considered = Code(
        codes.ViewsConsidered,
        "Whether the child's views were considered. Only with `decided`; `asks` says when.",
    )
    child_told = Code(
        codes.ChildTold,
        "Whether the child was told what was decided. Only with `decided`; `asks` says when.",
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _fits_the_stage(self, _: Any, original: Any, **__: Any) -> None:
        if isinstance(original, dict) and original.get("stage") in _STAGES:
            for stage, name in _OF_STAGES:
                if (original["stage"] == stage) != (name in original):
                    self._check(original, stage, name)

    def _check(self, original: dict[str, Any], stage: str, name: str) -> None:
        if original["stage"] == stage and (stage, name) in _REQUIRED and name not in original:
            raise ValidationError(f"required: The stage {stage} needs this field.", name)
        if original["stage"] != stage and name in original:
            raise ValidationError(f"contradiction: Only the stage {stage} has this field.", name)


class ReceiptsSchema(Record[Receipts]):
    """What an agency says about many deliveries; one result each, in order."""

    record = Receipts
    receipts = Many(
        One(NewReceiptSchema()), RECEIPT_LIMIT, "Up to 1,000 receipts.", least=1, required=True
    )


class HeldLeaseSchema(Record[HeldLease]):
    """A lease on a delivery."""

    record = HeldLease
    delivery = Identifier("The ID of the delivery.", required=True)
    lease = Identifier("The ID of your lease on it.", required=True)


class LeasesSchema(Record[Leases]):
    """Leases to keep or to give back."""

    record = Leases
    leases = Many(
        One(HeldLeaseSchema()), RECEIPT_LIMIT, "Up to 1,000 leases.", least=1, required=True
    )


def _seen_version() -> Whole:
    return Whole(
        1,
        1_000_000,
        "The version of the referral that the person saw. If it was corrected since, nothing is "
        "changed (409).",
    )


class AreasSchema(Record[Areas]):
    """Where children and persons of an unroutable referral live, by their local ids."""

    record = Areas
    areas = Mapped(LocalId(), Area(), 50, "The area of each child or person, by local ID.")
    expected_version = _seen_version()


class RecallSchema(Record[Recall]):
    """Why a referral is taken back, and which person says so. May be repeated."""

    record = Recall
    reason = Code(codes.RecallReason, "Why you recall it.", required=True)
    by = ShownLine(200, "The person who recalls it.", required=True)
    expected_version = _seen_version()


class RerouteSchema(Record[Reroute]):
    """Where a returned delivery goes instead: an area or an agency, not both."""

    record = Reroute
    rules: ClassVar[dict[str, Any]] = {"oneOf": [{"required": ["agency"]}, {"required": ["area"]}]}
    agency = Organisation("The code of the agency that gets it instead.")
    area = Area("The code of the area whose responsible agency gets it instead.")
    expected_version = _seen_version()

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_of_two(self, _: Any, original: Any, **__: Any) -> None:
        if isinstance(original, dict) and ("agency" in original) == ("area" in original):
            raise ValidationError("contradiction: Give an area or an agency, and one of them only.")


class AskedQuestionSchema(Record[AskedQuestion]):
    """What an agency asks the police about a delivery."""

    record = AskedQuestion
    topic = Code(codes.QuestionTopic, "What it is about.", required=True)
    text = ShownText(2000, "The question, in words.", required=True)


class GivenAnswerSchema(Record[GivenAnswer]):
    """The answer to an agency's question: in words, by a correction, or both."""

    record = GivenAnswer
    rules: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"required": ["text"], "properties": {"text": {"pattern": r"\S"}}},
            {"required": ["version"]},
        ]
    }
    by = ShownLine(200, "The person who answers.", required=True)
    text = ShownText(4000, "The answer, in words. The agency reads it.")
    version = Whole(2, 1_000_000, "The version of the referral that answers: a correction.")

    @validates_schema
    def _says_something(self, data: Any, **_: Any) -> None:
        if data.get("text") is None and data.get("version") is None:
            raise ValidationError("required: Give a text, or the version that answers.")


class PauseSchema(Record[Pause]):
    """Why the clocks of a delivery are to stand."""

    record = Pause
    reason = Code(codes.PauseReason, "Why the deadlines are paused.", required=True)


class SeesToSchema(Record[SeesTo]):
    """The person who sees to an escalation."""

    record = SeesTo
    by = ShownLine(200, "The person who deals with the escalation.", required=True)


class ReleaseEscalationSchema(Record[ReleaseEscalation]):
    """The person who undoes that an escalation was taken on."""

    record = ReleaseEscalation
    by = ShownLine(200, "The person who undoes it.", required=True)
    note = ShownLine(_NOTE, "Why, in words: others will read it.")


class HandOverEscalationSchema(Record[HandOverEscalation]):
    """Who is asked to take an escalation over."""

    record = HandOverEscalation
    by = ShownLine(200, "The person who deals with the escalation.", required=True)
    to = ShownLine(200, "The person of ops who is asked to take it over.", required=True)
    note = ShownLine(_NOTE, "What the other person should know.")


class SettleTaskSchema(Record[SettleTask]):
    """How a task was dealt with."""

    record = SettleTask
    reason = Text(500, "What was done, in words: others will read it.", required=True)
    by = Text(200, "The person who dealt with it.")


class HoldSchema(Record[Hold]):
    """Why a held delivery is released, or kept."""

    record = Hold
    reason = ShownLine(500, "Why, in words: others will read it.", required=True)
    by = ShownLine(200, "The person who decides it.")
    expected_version = _seen_version()


class ExtendHoldSchema(Record[ExtendHold]):
    """Until when a held delivery is held, and why."""

    record = ExtendHold
    until = Instant("The new end, later than the one that it has.", required=True)
    reason = ShownLine(500, "Why, in words: others will read it.", required=True)
    by = ShownLine(200, "The person who decides it.")
    expected_version = _seen_version()


class ActOnAgencySchema(Record[ActOnAgency]):
    """Why delivery to an agency is suspended or resumed, and who decides it."""

    record = ActOnAgency
    reason = ShownLine(500, "Why, in words: others will read it.", required=True)
    by = ShownLine(200, "The person who decides it.", required=True)


class ChangeOrganisationSchema(Record[ChangeOrganisation]):
    """What an organisation is to be."""

    record = ChangeOrganisation
    entry = One(ORGANISATION, "Its whole entry, as in a directory.", required=True)
    reason = ShownLine(500, "Why, in words: others will read it.", required=True)
    by = ShownLine(200, "The person who decides it.", required=True)
    starts_at = Instant("From when it counts; at once if left out.")


class PatchOrganisationSchema(Record[ChangeOrganisation]):
    """What of an organisation is to be another."""

    record = ChangeOrganisation
    entry = Anything(
        "The fields of its entry that change, and nothing else; null takes a field out.",
        required=True,
    )
    reason = ShownLine(500, "Why, in words: others will read it.", required=True)
    by = ShownLine(200, "The person who decides it.", required=True)
    starts_at = Instant("From when it counts; at once if left out.")


class PlanReplaySchema(Record[PlanReplay]):
    """Which dead letters to replay, or to redirect. Nothing changes until the plan is started."""

    record = PlanReplay
    by = ShownLine(200, "The person who plans it.", required=True)
    id = Identifier("An ID of your own for the plan, so that you may repeat the call.")
    agency = Organisation("Only deliveries of this agency.")
    cause = ShownLine(100, "Only deliveries with this cause, a code of `GET /v1/dead-letters`.")
    receiver = Organisation("Redirect them to this agency; includes returned deliveries.")
    per_minute = Whole(1, FASTEST, f"How many deliveries a minute; {PER_MINUTE} if left out.")


class StartReplaySchema(Record[StartReplay]):
    """Why a plan is started, and the number in it."""

    record = StartReplay
    reason = ShownLine(500, "Why, in words: others will read it.", required=True)
    count = Whole(0, 1_000_000_000, "The number in the plan, to confirm it.", required=True)
    by = ShownLine(200, "The person who starts it; the history has the key beside it.")


class ReconciliationSchema(Record[Reconciliation]):
    """The references of a day's occurrences that concern a child."""

    record = Reconciliation
    day = Day("The day of the list.", required=True)
    references = Many(
        Text(100, "A referral's reference or an occurrence's.", required=True),
        REFERENCE_LIMIT,
        "Up to 5,000 references of referrals or occurrences.",
        required=True,
    )


COLLECT = CollectSchema()
RECEIPTS = ReceiptsSchema()
LEASES = LeasesSchema()
AREAS = AreasSchema()
RECALL = RecallSchema()
REROUTE = RerouteSchema()
PAUSE = PauseSchema()
QUESTION = AskedQuestionSchema()
ANSWER = GivenAnswerSchema()
SEES_TO = SeesToSchema()
RELEASE_ESCALATION = ReleaseEscalationSchema()
HAND_OVER_ESCALATION = HandOverEscalationSchema()
SETTLE_TASK = SettleTaskSchema()
HOLD = HoldSchema()
EXTEND_HOLD = ExtendHoldSchema()
ACT_ON_AGENCY = ActOnAgencySchema()
CHANGE_ORGANISATION = ChangeOrganisationSchema()
PATCH_ORGANISATION = PatchOrganisationSchema()
PLAN_REPLAY = PlanReplaySchema()
START_REPLAY = StartReplaySchema()
RECONCILIATION = ReconciliationSchema()
