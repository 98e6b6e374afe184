"""What a readable document says of what happened, and of what the police have done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from broker.inbox.document_source import Source, coded, joined
from broker.inbox.document_values import Line, Row, Section, Statement, StatementKind
from broker.policy.disclosure import ACTION_TAKEN
from broker.web.moments import instant_text
from schemas import labels
from schemas.codes import IntelligenceHandling
from schemas.concern import ABOUT

_CONDITIONAL = str(IntelligenceHandling.C)


def in_short(concern: Source, grade: Iterator[Row]) -> Section:
    """Return the summary, the grade, and what kind of concern it is."""
    category = tuple(concern.row("Kind of concern", "category", coded(labels.CONCERN_CATEGORIES)))
    rows = (
        *_summary(concern),
        *category,
        *grade,
        *concern.row("Domestic abuse known or suspected", "domestic_abuse"),
    )
    summary = concern.text("summary")
    return Section("summary", "In short", tuple(filter(None, [summary])), rows)


def happened(concern: Source) -> Section:
    """Return facts, reports, judgements and intelligence, each kind in its own look."""
    statements = (
        *_facts(concern),
        *_reports(concern),
        *_judgements(concern),
        *_intelligence(concern),
    )
    return Section(
        "happened",
        "What happened",
        rows=tuple(concern.rest()),
        statements=statements,
        remarks=concern.around.remarks.rest_of(concern.pointer),
    )


def done(content: Source) -> Section:
    """Return what the police have done already."""
    rows = tuple(row for action in content.each(ACTION_TAKEN) for row in _action(action))
    remarks = content.around.remarks.rest_of(content.place(ACTION_TAKEN))
    return Section("done", "What the police have done", rows=rows, remarks=remarks)


def _summary(concern: Source) -> Iterator[Row]:
    """Yield whom the summary is about, and the summaries about some of the people."""
    remarks = concern.around.remarks.rest_of(concern.place("summary"))
    names = concern.around.names_of(concern.take(ABOUT))
    if remarks or (names and concern.value.get("summary")):
        yield Row(
            "The summary is about",
            (Line(joined(names)),) if names else (),
            remarks,
            (concern.place(ABOUT),),
        )
    for part in concern.each("summaries"):
        names = part.around.names_of(part.take(ABOUT))
        label = f"About {joined(names)}" if names else "Also"
        yield Row(
            label,
            (Line(part.text("text")),),
            part.around.remarks.rest_of(part.pointer),
            (part.pointer,),
        )
        yield from part.rest()


def _facts(concern: Source) -> Iterator[Statement]:
    for fact in concern.each("facts"):
        notes = (_note("From", fact, "source"), _when(fact, "When"))
        yield _statement(fact, StatementKind.FACT, "Fact", notes)


def _reports(concern: Source) -> Iterator[Statement]:
    for report in concern.each("third_party_reports"):
        notes = (_note("Reported by", report, "reported_by"), _when(report, "When"))
        yield _statement(report, StatementKind.REPORT, "Reported by somebody else", notes)


def _judgements(concern: Source) -> Iterator[Statement]:
    for judgement in concern.each("judgements"):
        notes = (_note("By", judgement, "made_by"),)
        yield _statement(judgement, StatementKind.JUDGEMENT, "Professional judgement", notes)


def _intelligence(concern: Source) -> Iterator[Statement]:
    for item in concern.each("intelligence"):
        notes = (
            _coded_note("Sharing", item, "handling", labels.INTELLIGENCE_HANDLING),
            _note("Conditions", item, "conditions"),
            _coded_note("Source", item, "source_evaluation", labels.SOURCE_EVALUATIONS),
            _coded_note(
                "Information", item, "information_evaluation", labels.INFORMATION_EVALUATIONS
            ),
        )
        is_bound = item.value.get("handling") == _CONDITIONAL or item.value.get("conditions")
        heading = "Intelligence, shared under conditions" if is_bound else "Intelligence"
        yield _statement(item, StatementKind.INTELLIGENCE, heading, notes)


def _statement(item: Source, kind: StatementKind, heading: str, notes: Sequence[str]) -> Statement:
    text = item.text("text")
    names = item.around.names_of(item.take(ABOUT))
    about = f"About: {joined(names)}" if names else ""
    rest = tuple(f"{row.label}: {row.text}" for row in item.rest())
    return Statement(
        kind,
        heading,
        text,
        tuple(note for note in (*notes, about, *rest) if note),
        item.around.remarks.rest_of(item.pointer),
    )


def _note(label: str, item: Source, name: str) -> str:
    text = item.text(name)
    return f"{label}: {text}" if text else ""


def _coded_note(label: str, item: Source, name: str, names: Mapping[str, str]) -> str:
    code = item.text(name)
    return f"{label}: {names.get(code, code)}" if code else ""


def _when(item: Source, label: str) -> str:
    at = item.take("at")
    return f"{label}: {instant_text(at, item.around.clock)}" if at else ""


def _action(action: Source) -> Iterator[Row]:
    at = action.take("at")
    label = instant_text(at, action.around.clock) if at else "Time not given"
    names = action.around.names_of(action.take(ABOUT))
    by = action.text("by")
    parts = (
        action.text("action"),
        action.text("details"),
        f"By {by}" if by else "",
        f"About: {joined(names)}" if names else "",
    )
    lines = tuple(Line(part) for part in parts if part)
    remarks = action.around.remarks.rest_of(action.pointer)
    yield Row(f"{label[:1].upper()}{label[1:]}", lines, remarks, (action.pointer,))
    yield from action.rest()
