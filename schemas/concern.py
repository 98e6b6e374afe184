"""What happened, with fact, report, judgement and intelligence kept apart."""

from __future__ import annotations

from datetime import datetime

from schemas import codes, labels
from schemas.fields import Code, Flag, Many, One, Text, Whole
from schemas.formats import Instant, concerned
from schemas.immutable import immutable
from schemas.loading import Record
from schemas.names import name_of

_LONG = 10_000


@immutable
class ObservedFact:
    """Something that was seen or found."""

    text: str
    at: datetime | None = None
    source: str | None = None
    about: tuple[str, ...] = ()


@immutable
class ThirdPartyReport:
    """Something that somebody else said."""

    text: str
    reported_by: str | None = None
    at: datetime | None = None
    about: tuple[str, ...] = ()


@immutable
class Judgement:
    """What a professional makes of it."""

    text: str
    made_by: str | None = None
    about: tuple[str, ...] = ()


@immutable
class Intelligence:
    """Intelligence with its evaluation (3x5x2) and conditions."""

    text: str
    source_evaluation: int | None = None
    information_evaluation: codes.InformationEvaluation | None = None
    handling: codes.IntelligenceHandling | None = None
    conditions: str | None = None
    about: tuple[str, ...] = ()


@immutable
class PartSummary:
    """What happened, as far as it is about some of the people."""

    text: str
    about: tuple[str, ...] = ()


@immutable
class Concern:
    """What happened and why it worries."""

    category: codes.ConcernCategory
    summary: str
    domestic_abuse: bool | None = None
    facts: tuple[ObservedFact, ...] = ()
    third_party_reports: tuple[ThirdPartyReport, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    intelligence: tuple[Intelligence, ...] = ()
    about: tuple[str, ...] = ()
    """Whom the summary is about."""
    summaries: tuple[PartSummary, ...] = ()


ABOUT = name_of(Concern, lambda concern: concern.about)
BLOCKS = (
    name_of(Concern, lambda concern: concern.summaries),
    name_of(Concern, lambda concern: concern.facts),
    name_of(Concern, lambda concern: concern.third_party_reports),
    name_of(Concern, lambda concern: concern.judgements),
    name_of(Concern, lambda concern: concern.intelligence),
)
"""Lists whose items may say, as the concern itself and each action taken may, whom they concern."""


class ObservedFactSchema(Record[ObservedFact]):
    """Something that was seen or found."""

    record = ObservedFact
    text = Text(_LONG, "What was seen or found.", required=True)
    at = Instant("When it happened.", past=True)
    source = Text(300, "Where it was found, or who saw it.")
    about = concerned()


class ThirdPartyReportSchema(Record[ThirdPartyReport]):
    """Something that somebody else said."""

    record = ThirdPartyReport
    text = Text(_LONG, "What was said.", required=True)
    reported_by = Text(300, "Who said it.")
    at = Instant("When it was said.", past=True)
    about = concerned()


class JudgementSchema(Record[Judgement]):
    """What a professional makes of it."""

    record = Judgement
    text = Text(_LONG, "The professional's judgement.", required=True)
    made_by = Text(200, "Whose judgement it is.")
    about = concerned()


class IntelligenceSchema(Record[Intelligence]):
    """Intelligence with its evaluation (3x5x2) and conditions."""

    record = Intelligence
    text = Text(_LONG, "The intelligence.", required=True)
    source_evaluation = Whole(1, 3, "1: reliable, 2: untested, 3: not reliable.")
    information_evaluation = Code(
        codes.InformationEvaluation,
        "How the information is known.",
        labels=labels.INFORMATION_EVALUATIONS,
    )
    handling = Code(
        codes.IntelligenceHandling, "Whether it may be shared.", labels=labels.INTELLIGENCE_HANDLING
    )
    conditions = Text(4000, "Under which conditions it may be shared.")
    about = concerned()


class PartSummarySchema(Record[PartSummary]):
    """A summary for those who may see some of the people only."""

    record = PartSummary
    text = Text(_LONG, "What happened, as far as it is about these people.", required=True)
    about = concerned()


class ConcernSchema(Record[Concern]):
    """What happened and why it worries."""

    record = Concern
    category = Code(
        codes.ConcernCategory,
        "What kind of abuse it is about.",
        required=True,
        labels=labels.CONCERN_CATEGORIES,
    )
    summary = Text(
        _LONG, "What happened and why it is a concern, in a few sentences.", required=True
    )
    domestic_abuse = Flag("Whether domestic abuse is known or suspected in the household.")
    facts = Many(One(ObservedFactSchema()), 100, "What was seen or found.")
    third_party_reports = Many(One(ThirdPartyReportSchema()), 100, "What others said.")
    judgements = Many(One(JudgementSchema()), 100, "What professionals make of it.")
    intelligence = Many(One(IntelligenceSchema()), 100, "Intelligence, evaluated by 3x5x2.")
    about = concerned("Whom the summary is about, by local id; left out: everybody.")
    summaries = Many(
        One(PartSummarySchema()), 50, "Summaries that are about some of the people each."
    )
