"""Why a recipient has a delivery, what is asked of it by when, and whom it can ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.inbox.document_source import (
    Json,
    Source,
    Surroundings,
    Words,
    email,
    for_people,
    plain,
    telephone,
)
from broker.inbox.document_values import Line, LineKind, Row, Section
from broker.policy.disclosure import TIMES
from broker.policy.time.moments import by_when, instant_text
from schemas import labels

_VERBS: Mapping[DeliveryKind, Mapping[Milestone, str]] = {
    DeliveryKind.REFERRAL: {
        Milestone.COLLECT: "Open it",
        Milestone.ACKNOWLEDGE: "Take it on",
        Milestone.DECIDE: "Decide",
    },
    DeliveryKind.CORRECTION: {
        Milestone.COLLECT: "Open it",
        Milestone.ACKNOWLEDGE: "Read what changed",
        Milestone.DECIDE: "Decide",
    },
    DeliveryKind.RECALL: {
        Milestone.COLLECT: "Open it",
        Milestone.ACKNOWLEDGE: "Confirm that you know",
        Milestone.DECIDE: "Confirm that it is destroyed",
    },
}
_MET: Mapping[Milestone, frozenset[str]] = {
    Milestone.COLLECT: frozenset({"collected", "acknowledged", "decided"}),
    Milestone.ACKNOWLEDGE: frozenset({"acknowledged", "decided"}),
    Milestone.DECIDE: frozenset({"decided"}),
}
"""In which states a milestone is met."""
_STAGES = {"acknowledged": "Taken on", "decided": "Decided", "returned": "Returned"}


def asked(delivery: Json) -> dict[Milestone, str]:
    """Return what is asked by each milestone that has a deadline, as a verb: ``Take it on``."""
    due = delivery["deadlines"]
    verbs = dict(_VERBS[DeliveryKind(delivery["kind"])])
    is_to_read = delivery["role"] == Role.COPY or due.get("decide_by") is None
    if delivery["kind"] == DeliveryKind.REFERRAL and is_to_read:
        verbs[Milestone.ACKNOWLEDGE] = "Read it"
    return {milestone: verbs[milestone] for milestone in Milestone if due.get(f"{milestone}_by")}


def why(delivery: Json, around: Surroundings) -> Section:
    """Return why the recipient has it, what is asked by when, and who had it before."""
    sentences = [for_people(delivery["why"], around.people)] if delivery.get("why") else []
    if delivery["role"] == Role.COPY:
        sentences.append("You have a copy. Another organisation leads.")
    rows = (*_deadlines(delivery, around), *_before(delivery.get("handed_over") or {}, around))
    return Section("why", "Why you have it, and what is asked", tuple(sentences), rows)


def grade(delivery: Json, source: Source, times: Source) -> Iterator[Row]:
    """Yield the police's grade with its reason, and what deadlines follow where that differs."""
    own, effective = str(delivery["grade"]), str(delivery["effective_grade"])
    level = source.take("level")
    remarks = source.around.remarks.take(source.place("level"))
    names = labels.GRADE_NAMES
    lines = (names.get(str(level or own), own), source.text("reason"))
    yield Row(
        "Police grade",
        tuple(Line(line) for line in lines if line),
        tuple(remark for _, _, remark in remarks),
        (source.place("level"), source.place("reason")),
    )
    if effective != own:
        sentence = f"{names.get(effective, effective)}, because the facts need no less."
        yield Row("Deadlines follow", (Line(sentence),))
    yield from times.row("Graded", "graded_at", _instant(source.around))
    yield from source.row("Graded by", "graded_by")
    yield from source.row("Assessment tool", "tool")
    yield from source.rest()


def team(referrer: Source, times: Source) -> Section:
    """Return whom to ask at the police, and when the police came to know what."""
    words = _instant(referrer.around)
    name = referrer.row("Officer", "name")
    rows = (
        *name,
        *referrer.row("Rank or post", "role"),
        *referrer.row("Telephone", "telephone", telephone),
        *referrer.row("Email", "email", email),
        *referrer.row("Team", "unit"),
        *referrer.row("Officer in the case", "officer_in_case"),
        *referrer.row("Supervisor", "supervisor"),
        *referrer.row("Police occurrence", "occurrence_reference"),
        *referrer.rest(),
        *times.row("Police first knew", "first_known_at", words),
        *times.row("Child identified", "child_identified_at", words),
        *times.row("Sent by the police", "submitted_at", words),
        *times.rest(),
    )
    remarks = (
        *referrer.around.remarks.rest_of(referrer.pointer),
        *referrer.around.remarks.rest_of(f"/{TIMES}"),
    )
    return Section("police", "The police team", rows=rows, remarks=remarks)


def _instant(around: Surroundings) -> Words:
    return lambda value: instant_text(value, around.clock)


def _deadlines(delivery: Json, around: Surroundings) -> Iterator[Row]:
    words = delivery.get("deadline_words") or {}
    for milestone, verb in asked(delivery).items():
        is_met = delivery["state"] in _MET[milestone]
        lines = [Line(_by(milestone, delivery, around), LineKind.STRONG)]
        if is_met:
            lines.append(Line("Done"))
        if words.get(milestone):
            lines.append(Line(f"Counted: {plain(words[milestone])}"))
        yield Row(verb, tuple(lines), pointers=(f"/deadlines/{milestone}_by",))


def _by(milestone: Milestone, delivery: Json, around: Surroundings) -> str:
    """Return by when a milestone is due; only of what is still to be done that it is late."""
    if milestone in around.outstanding.paused:
        return "The deadline is paused"
    if due := around.outstanding.running.get(milestone):
        return by_when(due, around.now, is_paper=around.is_paper)
    return f"by {instant_text(delivery['deadlines'][f'{milestone}_by'], around.clock)}"


def _before(handed_over: Json, around: Surroundings) -> Iterator[Row]:
    """Yield who had it before, and what they answered."""
    if not handed_over:
        return
    at = instant_text(handed_over.get("at"), around.clock)
    name = plain(handed_over.get("from_name") or handed_over.get("from") or "Another team")
    lines = [f"Had it until {at}"]
    for answer in handed_over.get("answers") or ():
        stage = str(answer.get("stage"))
        label = _STAGES.get(stage, stage)
        outcome = str(answer.get("outcome") or answer.get("reason") or "").replace("_", " ")
        said = ": ".join(filter(None, [label, outcome]))
        by = plain(answer.get("by") or "")
        when = instant_text(answer.get("at"), around.clock)
        note = plain(answer.get("note") or "")
        lines.append(", ".join(filter(None, [said, f"by {by}" if by else "", when])))
        lines += [f"Note: {note}"] if note else []
    yield Row(name, tuple(map(Line, lines)), pointers=("/handed_over",))
