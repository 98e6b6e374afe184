"""What a correction changes, from two rendered views of the same recipient.

Both views are turned into documents, and the documents compared: so every change has a label and
is in words, and nothing outside the recipient's view can be in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from types import MappingProxyType

from broker.inbox.document import document
from broker.inbox.document_source import Json
from broker.inbox.document_values import Card, Document, Handling, Line, Section, Voice
from broker.policy.disclosure import CHILDREN, PERSONS
from broker.web.moments import instant_text
from schemas.immutable import immutable
from schemas.referral import HARMED

_Key = tuple[str, str, str]
"""Part, person and label."""
_HANDLING, _PEOPLE = "handling", "people"
_UNCOMPARED = frozenset({"why", "unknown"})
"""Sections that say of the delivery, or once more, what stands elsewhere."""
_LIKE = 0.5
"""From this likeness on, two texts are one that was changed (difflib's ratio)."""
_LONGEST_COMPARED = 2000
_GRADE = "Police grade"
_WEIGHTY = frozenset(
    {
        *(_GRADE, "Deadlines follow", "Missing", "Lives with", "Contact with", "Lives at"),
        *("Lives in the area of", "Found or is now in", "Work and volunteering"),
        *("Managed as an offender", "Past offences", "Kind of concern", "Child protection plan"),
        *("Domestic abuse known or suspected", "Open case", "Looked after by a council"),
    }
)
"""Labels that may matter to a decision that was made already."""
_GROUP_WORDS: Mapping[str, str] = {
    CHILDREN: "child",
    HARMED: "child alleged to have harmed",
    PERSONS: "person who may pose a risk",
}


@immutable
class Change:
    """One thing that is different now."""

    what: str
    was: tuple[Line, ...] = ()
    """Empty where it was added."""
    now: tuple[Line, ...] = ()
    """Empty where it was removed."""
    note: str = ""
    matters: bool = False
    """Whether it may matter to a decision that was made already."""
    rank: int = 0
    """Its place among the changes, the weightiest first."""


@immutable
class _Entry:
    """What stands in one place of a document."""

    what: str
    lines: tuple[Line, ...]
    rank: int


def changes(
    before: Json, after: Json, *, organisations: Mapping[str, str] = MappingProxyType({})
) -> list[Change]:
    """Return what is different in ``after``, first what may matter to a decision made already.

    Both are deliveries as rendered for one recipient. Instants are given with their dates in full.
    """
    now = datetime.fromisoformat(after["available_at"])
    documents = [
        document(delivery, now=now, organisations=organisations, is_paper=True)
        for delivery in (before, after)
    ]
    was, is_ = (_cards(each) for each in documents)
    found = [
        *_people(was, is_),
        *_compared(_entries(documents[0], is_), _entries(documents[1], was), before, after),
    ]
    return sorted(found, key=lambda change: change.rank)


def _cards(of: Document) -> dict[str, Card]:
    return {card.key: card for section in of.sections for card in section.cards}


def _people(was: Mapping[str, Card], now: Mapping[str, Card]) -> Iterator[Change]:
    """Yield who was added and who was removed, with everything that is said of them."""
    for key, card in now.items():
        if key not in was:
            what = f"Added {_word(key)}: {card.heading}"
            yield Change(what, now=_whole(card), matters=_is_weighty(key), rank=0)
    for key, card in was.items():
        if key not in now:
            what = f"Removed {_word(key)}: {card.heading}"
            yield Change(what, was=_whole(card), matters=_is_weighty(key), rank=0)


def _word(key: str) -> str:
    return _GROUP_WORDS.get(key.partition("/")[0], "person in the household")


def _is_weighty(key: str) -> bool:
    return key.partition("/")[0] in _GROUP_WORDS


def _whole(card: Card) -> tuple[Line, ...]:
    rows = [Line(f"{row.label}: {row.text}") for row in card.rows if row.lines]
    spoken = [
        Line(f"{entry.what.partition(': ')[2]}: {line.text}")
        for _, entry in (_voice_entries(card, card.voice) if card.voice else ())
        for line in entry.lines
    ]
    return (Line(card.heading), *rows, *spoken)


def _entries(of: Document, others: Mapping[str, Card]) -> dict[_Key, list[_Entry]]:
    """Return what stands in each place, but for people who are in one of the versions only."""
    entries: dict[_Key, list[_Entry]] = defaultdict(list)
    if of.handling:
        for key, entry in _handling_entries(of.handling):
            entries[key].append(entry)
    for section in of.sections:
        if section.id not in _UNCOMPARED:
            for key, entry in _section_entries(section, others):
                entries[key].append(entry)
    return entries


def _handling_entries(handling: Handling) -> Iterator[tuple[_Key, _Entry]]:
    lines = (Line(handling.heading),) if handling.heading else ()
    yield (_HANDLING, "", ""), _Entry("Handling", lines, 2)
    if handling.call:
        yield (_HANDLING, "", "call"), _Entry("Whom to call first", (handling.call,), 2)
    for row in handling.rows:
        entry = _Entry(f"Handling: {row.label.lower()}", row.lines, 2)
        yield (_HANDLING, "", row.label), entry


def _section_entries(section: Section, others: Mapping[str, Card]) -> Iterator[tuple[_Key, _Entry]]:
    for text in section.paragraphs:
        yield (section.id, "", "text"), _Entry(section.heading, (Line(text),), 4)
    for row in section.rows:
        rank = _rank(row.label, 5)
        yield (section.id, "", row.label), _Entry(row.label, row.lines, rank)
    for statement in section.statements:
        lines = tuple(map(Line, (statement.text, *statement.notes)))
        yield (section.id, "", statement.kind), _Entry(statement.heading, lines, 4)
    for card in section.cards:
        if card.key in others:
            yield from _card_entries(card)


def _card_entries(card: Card) -> Iterator[tuple[_Key, _Entry]]:
    yield (_PEOPLE, card.key, ""), _Entry(f"{card.heading}: name", (Line(card.heading),), 4)
    for row in card.rows:
        entry = _Entry(f"{card.name}: {row.label.lower()}", row.lines, _rank(row.label, 6))
        yield (_PEOPLE, card.key, row.label), entry
    if card.voice:
        yield from _voice_entries(card, card.voice)


def _voice_entries(card: Card, voice: Voice) -> Iterator[tuple[_Key, _Entry]]:
    said = [("what the child said", voice.said), ("why nothing is here", voice.why_nothing)]
    said += [(row.label.lower(), row.text) for row in voice.rows]
    for label, text in [*said, ("who spoke with the child", voice.source)]:
        if text:
            entry = _Entry(f"{card.name}: {label}", (Line(text),), 4)
            yield (_PEOPLE, card.key, f"voice {label}"), entry


def _rank(label: str, otherwise: int) -> int:
    if label == _GRADE:
        return 1
    return 3 if label in _WEIGHTY else otherwise


def _compared(
    was: Mapping[_Key, Sequence[_Entry]],
    now: Mapping[_Key, Sequence[_Entry]],
    before: Json,
    after: Json,
) -> Iterator[Change]:
    for key in dict.fromkeys([*was, *now]):
        for old, new in _paired(was.get(key, ()), now.get(key, ())):
            entry = new or old
            if entry is None:
                continue
            is_grade = key[2] == _GRADE
            note = _deadline_note(before, after) if is_grade else _note(old)
            yield Change(
                entry.what,
                old.lines if old else (),
                new.lines if new else (),
                note,
                matters=entry.rank <= 3,
                rank=entry.rank,
            )


def _paired(
    was: Sequence[_Entry], now: Sequence[_Entry]
) -> Iterator[tuple[_Entry | None, _Entry | None]]:
    """Yield what is not the same: each text with the one that it became, or with nothing."""
    texts = [entry.lines for entry in now]
    old = [entry for entry in was if not _struck(entry.lines, texts)]
    texts = [entry.lines for entry in was]
    new = [entry for entry in now if not _struck(entry.lines, texts)]
    is_single = len(was) <= 1 and len(now) <= 1
    for entry in old:
        match = next((other for other in new if is_single or _is_like(entry, other)), None)
        if match is not None:
            new.remove(match)
        yield entry, match
    for entry in new:
        yield None, entry


def _struck(lines: tuple[Line, ...], texts: list[tuple[Line, ...]]) -> bool:
    """Strike lines from a list once; False where they are not in it."""
    if lines not in texts:
        return False
    texts.remove(lines)
    return True


def _is_like(entry: _Entry, other: _Entry) -> bool:
    first, second = (
        "\n".join(line.text for line in each.lines)[:_LONGEST_COMPARED] for each in (entry, other)
    )
    matcher = SequenceMatcher(None, first, second)
    return matcher.real_quick_ratio() >= _LIKE and matcher.quick_ratio() >= _LIKE


def _note(old: _Entry | None) -> str:
    is_answer = old is not None and any(line.coming.startswith("Yes") for line in old.lines)
    return "The police had said that they would send this." if is_answer else ""


def _deadline_note(before: Json, after: Json) -> str:
    was, now = (delivery["deadlines"].get("decide_by") for delivery in (before, after))
    if not was or not now or was == now:
        return ""
    return f"Decide by {instant_text(now)} now. It was {instant_text(was)}."
