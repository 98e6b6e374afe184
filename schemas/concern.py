"""What happened, with fact, report, judgement and intelligence kept apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas import codes
from schemas.fields import Code, Flag, Many, One, Text, Whole
from schemas.formats import Instant
from schemas.loading import Record

_LONG = 10_000


@dataclass(frozen=True, slots=True)
class ObservedFact:
    """Something that was seen or found."""

    text: str
    at: datetime | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ThirdPartyReport:
    """Something that somebody else said."""

    text: str
    reported_by: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a professional makes of it."""

    text: str
    made_by: str | None = None


@dataclass(frozen=True, slots=True)
class Intelligence:
    """Intelligence with its evaluation (3x5x2) and conditions."""

    text: str
    source_evaluation: int | None = None
    information_evaluation: codes.InformationEvaluation | None = None
    handling: codes.IntelligenceHandling | None = None
    conditions: str | None = None


@dataclass(frozen=True, slots=True)
class Concern:
    """What happened and why it worries."""

    category: codes.ConcernCategory
    summary: str
    domestic_abuse: bool | None = None
    facts: tuple[ObservedFact, ...] = ()
    third_party_reports: tuple[ThirdPartyReport, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    intelligence: tuple[Intelligence, ...] = ()


class ObservedFactSchema(Record[ObservedFact]):
    """Something that was seen or found."""

    record = ObservedFact
    text = Text(_LONG, required=True)
    at = Instant(past=True)
    source = Text(300)


class ThirdPartyReportSchema(Record[ThirdPartyReport]):
    """Something that somebody else said."""

    record = ThirdPartyReport
    text = Text(_LONG, required=True)
    reported_by = Text(300)
    at = Instant(past=True)


class JudgementSchema(Record[Judgement]):
    """What a professional makes of it."""

    record = Judgement
    text = Text(_LONG, required=True)
    made_by = Text(200)


class IntelligenceSchema(Record[Intelligence]):
    """Intelligence with its evaluation (3x5x2) and conditions."""

    record = Intelligence
    text = Text(_LONG, required=True)
    source_evaluation = Whole(1, 3)
    information_evaluation = Code(codes.InformationEvaluation)
    handling = Code(codes.IntelligenceHandling)
    conditions = Text(4000)


class ConcernSchema(Record[Concern]):
    """What happened and why it worries."""

    record = Concern
    category = Code(codes.ConcernCategory, required=True)
    summary = Text(_LONG, required=True)
    domestic_abuse = Flag()
    facts = Many(One(ObservedFactSchema()), 100)
    third_party_reports = Many(One(ThirdPartyReportSchema()), 100)
    judgements = Many(One(JudgementSchema()), 100)
    intelligence = Many(One(IntelligenceSchema()), 100)
