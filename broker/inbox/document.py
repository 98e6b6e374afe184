"""A delivery as a document that people read: values in, values out.

Everything in it comes from the delivery as ``broker.flow.render.render`` returns it, so it shows no
more than its recipient's view; a part that the view leaves out has no heading either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from broker.domain.codes import DeliveryKind
from broker.domain.outstanding import NOTHING, Outstanding
from broker.domain.states import DeliveryState
from broker.inbox import document_concern, document_names, document_online, document_task
from broker.inbox.document_handling import handling, marking_of
from broker.inbox.document_people import child_cards, household_cards, person_cards
from broker.inbox.document_source import (
    Json,
    RemarkPool,
    Source,
    Surroundings,
    plain,
)
from broker.inbox.document_values import Document, Gap, LineKind, Recall, Section
from broker.policy.disclosure import (
    ACTION_TAKEN,
    CHILDREN,
    CONCERN,
    EXTENSIONS,
    HANDLING,
    HOUSEHOLD,
    ONLINE,
    PERSONS,
    TIMES,
)
from broker.policy.language.vocabulary import SCHOOL
from broker.policy.time.moments import instant_text, local_day
from schemas import labels
from schemas.names import name_of
from schemas.referral import HARMED, Referral

REFERRER = name_of(Referral, lambda referral: referral.referrer)
GRADE = name_of(Referral, lambda referral: referral.grade)
PLANNED = frozenset(
    {
        REFERRER,
        GRADE,
        TIMES,
        CONCERN,
        CHILDREN,
        HARMED,
        PERSONS,
        HOUSEHOLD,
        ONLINE,
        ACTION_TAKEN,
        EXTENSIONS,
    }
)
"""The parts of the content that have a section; another one is shown under its own name."""
_DESTROY = (
    "Printed copies",
    "What was put into your case system, with attachments and notes made from it",
    "Emails, messages and notebooks",
    "What you passed on: tell everybody who has it to destroy it as well",
)
_TAKEN_BACK = "The police have taken this referral back. Do not use it."
_NOT_SHOWN = (
    "Nothing of this referral can be shown to you. As a rule the police have taken it back, or a "
    "newer referral has taken its place."
)


def document(
    delivery: Json,
    *,
    now: datetime,
    organisations: Mapping[str, str],
    is_paper: bool = False,
    outstanding: Outstanding = NOTHING,
) -> Document:
    """Return a rendered delivery as a document.

    ``organisations`` are names by code; ``now`` is an aware instant, from which ages and "today"
    are counted. ``is_paper``: every instant has its date in full, and the document says as of when
    it is true. ``outstanding`` is what its recipient has to do still. Where nothing is shown of a
    delivery, the document says so and why.
    """
    people = document_names.names_of(delivery["content"], local_day(now))
    remarks = RemarkPool.of(delivery, people)
    around = Surroundings(now, is_paper, organisations, remarks, people, outstanding=outstanding)
    if is_taken_back(delivery) or not delivery["content"]:
        return _without_content(delivery, around)
    around.roles = document_names.roles_of(delivery["content"])
    content = Source(delivery["content"], "", around)
    marking, meaning = marking_of(delivery["handling"])
    referrer = content.value.get(REFERRER) or {}
    block = handling(Source(delivery["handling"], f"/{HANDLING}", around), referrer)
    return replace(
        _outline(delivery, around),
        heading=document_names.in_title(content.value, local_day(now)),
        marking=marking,
        marking_meaning=meaning,
        notices=(*_missing(content), *_notices(delivery)),
        handling=block,
        sections=tuple(_sections(delivery, content)),
        is_short=is_school(delivery),
    )


def is_taken_back(delivery: Json) -> bool:
    """Tell whether what a recipient had was recalled."""
    return bool(
        delivery["kind"] == DeliveryKind.RECALL or delivery["state"] == DeliveryState.RECALLED
    )


def is_school(delivery: Json) -> bool:
    """Tell whether a delivery shows what a school is shown, whose page is short."""
    return bool(delivery["view"] == SCHOOL)


def _outline(delivery: Json, around: Surroundings) -> Document:
    """Return the frame that every document has, without any content."""
    since = instant_text(delivery["available_at"], None)
    publisher = around.organisations.get(delivery["publisher"], delivery["publisher"])
    category = (delivery["content"].get(CONCERN) or {}).get("category")
    parts = (
        labels.CONCERN_TITLES.get(str(category), "") if category else "",
        labels.GRADE_NAMES.get(delivery["grade"], ""),
        f"from {publisher}",
        plain(delivery["reference"]),
    )
    return Document(
        heading="",
        summary=" · ".join(filter(None, parts)),
        reference=plain(delivery["reference"]),
        version=f"Version {delivery['version']}, received {since}",
        true_at=instant_text(around.now.isoformat(), None) if around.is_paper else "",
    )


def _without_content(delivery: Json, around: Surroundings) -> Document:
    """Return the document of what was taken back: why, and what is to be destroyed."""
    outline = _outline(delivery, around)
    reason = labels.RECALL_REASONS.get(str(delivery.get("recall_reason")), "")
    at = instant_text(delivery["available_at"], around.clock)
    is_recall = delivery["kind"] == DeliveryKind.RECALL
    if not is_taken_back(delivery):
        return replace(outline, heading=outline.reference, notices=(_NOT_SHOWN,))
    recall = Recall(_TAKEN_BACK, reason, at if is_recall else "", _DESTROY)
    why = document_task.why(delivery, around)
    heading = f"Destroy every copy of {outline.reference}"
    return replace(outline, heading=heading, recall=recall, sections=(why,))


def _missing(content: Source) -> Iterator[str]:
    """Yield which children are missing now, for the top of the page."""
    for child in document_names.listed(content.value, CHILDREN):
        if document_names.is_away(child):
            name = content.around.people[str(child.get("id"))]
            status = labels.MISSING_STATUSES[child["missing"]["status"]]
            yield f"{name[:1].upper()}{name[1:]}: {status[:1].lower()}{status[1:]}"


def _notices(delivery: Json) -> Iterator[str]:
    if delivery["latest_version"] > delivery["version"]:
        yield "There is a newer version of this referral. Read that one."
    elif delivery["kind"] == DeliveryKind.CORRECTION:
        yield "The police have corrected this referral. This is all of your part as it is now."
        if HANDLING in delivery["changed"]:
            yield "How it must be handled has changed."


def _sections(delivery: Json, content: Source) -> Iterator[Section]:
    """Yield every section that holds something, in the order in which it is read."""
    is_short, around = is_school(delivery), content.around
    people = _people(content, is_short=is_short)
    times = content.below(TIMES)
    grade = document_task.grade(delivery, content.below(GRADE), times)
    concern = content.below(CONCERN)
    # What is read first takes what it shows; the last sections hold whatever is left then.
    short = document_concern.in_short(concern, grade)
    happened = document_concern.happened(concern)
    team = document_task.team(content.below(REFERRER), times)
    if is_short:
        short = replace(short, heading="What it is about")
        team = replace(team, heading="Who to ask")
    household = Section("household", "Household", cards=tuple(household_cards(content)))
    ordered = (
        document_task.why(delivery, around),
        *(people if is_short else [short, *people]),
        *([short] if is_short else []),
        happened,
        Section("unknown", "What is not known", gaps=tuple(_gaps([*people, household]))),
        household,
        document_online.online(content),
        document_concern.done(content),
        team,
        document_online.extensions(content),
        _rest(content),
    )
    yield from (section for section in ordered if not section.is_empty)


def _people(content: Source, *, is_short: bool) -> list[Section]:
    """Return the sections of children, of those alleged to have harmed, and of persons."""
    around = content.around
    children = tuple(child_cards(content))
    harmed = tuple(person_cards(content, HARMED, "young-person"))
    persons = tuple(person_cards(content, PERSONS, "person"))
    heading = f"Children ({len(children)})" if len(children) > 1 else "The child"
    if is_short and len(children) == 1:
        heading = "About the pupil"
    of_children = around.remarks.rest_of(f"/{CHILDREN}")
    return [
        Section("children", heading, cards=children, remarks=of_children),
        Section("harmed", f"Children alleged to have harmed ({len(harmed)})", cards=harmed),
        Section("risk", f"People who may pose a risk ({len(persons)})", cards=persons),
    ]


def _gaps(sections: Iterable[Section]) -> Iterator[Gap]:
    """Yield what is not known of people, with the reason, in one list."""
    for card in (card for section in sections for card in section.cards):
        reasons: dict[tuple[str, str], list[str]] = {}
        for row in card.rows:
            for line in row.lines:
                if line.kind is LineKind.UNKNOWN:
                    reasons.setdefault((line.text, line.coming), []).append(row.label)
        name = f"{card.name[:1].upper()}{card.name[1:]}" or card.heading
        for (why, coming), what in reasons.items():
            yield Gap(name, tuple(what), why, coming)


def _rest(content: Source) -> Section:
    """Return whatever has no place of its own, and the remarks about the whole."""
    content.read.update(PLANNED)
    rows = tuple(content.rest())
    remarks = content.around.remarks.rest_of("")
    return Section("rest", "What else to check", rows=rows, remarks=remarks)
