"""What a readable document is made of: frozen values without markup, which templates show."""

from __future__ import annotations

from enum import StrEnum

from schemas.immutable import immutable


class LineKind(StrEnum):
    """What a line of text is, and so how it looks."""

    TEXT = "text"
    STRONG = "strong"
    UNKNOWN = "unknown"
    """Not known, and why."""
    LINK = "link"
    """A telephone number or an email address."""


@immutable
class Line:
    """A line of a value."""

    text: str
    kind: LineKind = LineKind.TEXT
    href: str = ""
    """Of a link: a ``tel:`` or ``mailto:`` address."""
    coming: str = ""
    """Of what is not known: whether it will come."""


@immutable
class Remark:
    """A defect or a warning of the broker, beside what it concerns."""

    text: str
    original: str = ""
    """What the police wrote, where it does not stand in the document as it is."""
    about: str = ""
    """What it concerns, where it does not stand directly beside that."""
    is_warning: bool = False


@immutable
class Row:
    """A label with what there is to say of it."""

    label: str
    lines: tuple[Line, ...] = ()
    remarks: tuple[Remark, ...] = ()
    pointers: tuple[str, ...] = ()
    """Where in the delivery it stands (RFC 6901), for comparisons."""
    is_other: bool = False
    """Whether no place was planned for the field, so that it is shown under its own name."""

    @property
    def text(self) -> str:
        """All lines in one."""
        return "; ".join(line.text for line in self.lines)


@immutable
class Voice:
    """What a child said and showed; or nothing, and why."""

    heading: str
    said: str = ""
    rows: tuple[Row, ...] = ()
    why_nothing: str = ""
    source: str = ""
    """Who spoke with the child, and when."""
    remarks: tuple[Remark, ...] = ()


@immutable
class Card:
    """One person: a heading with the name, and rows."""

    id: str
    """An anchor of the page, never the local ID of the referral."""
    key: str
    """Who it is, the same in each version of a referral; for comparisons, never shown."""
    heading: str
    name: str
    """How sentences and lists name this person."""
    rows: tuple[Row, ...] = ()
    voice: Voice | None = None
    remarks: tuple[Remark, ...] = ()
    is_long: bool = False
    """Whether it has a page of its own on paper."""


class StatementKind(StrEnum):
    """How sure a statement is; no two kinds look alike."""

    FACT = "fact"
    REPORT = "report"
    JUDGEMENT = "judgement"
    INTELLIGENCE = "intelligence"


@immutable
class Statement:
    """One thing that happened, was reported, is judged or is suspected."""

    kind: StatementKind
    heading: str
    text: str
    notes: tuple[str, ...] = ()
    """Source, time, evaluation, conditions, whom it is about."""
    remarks: tuple[Remark, ...] = ()


@immutable
class Gap:
    """Facts about somebody that are not known, why, and whether they will come."""

    whose: str
    what: tuple[str, ...]
    why: str
    coming: str


@immutable
class Section:
    """A part of the document with a heading; one that holds nothing is left out."""

    id: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    cards: tuple[Card, ...] = ()
    statements: tuple[Statement, ...] = ()
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing under its heading."""
        held = (self.paragraphs, self.rows, self.cards, self.statements, self.gaps, self.remarks)
        return not any(held)


class Tone(StrEnum):
    """How loud the handling block is."""

    STOP = "stop"
    """Something must not happen now."""
    OVER = "over"
    """An embargo that has ended."""
    NOTE = "note"
    """Instructions, and nothing that is forbidden."""


@immutable
class Handling:
    """How the referral must be treated; stands above everything else."""

    heading: str
    tone: Tone
    call: Line | None = None
    """Whom to call first."""
    call_before: str = ""
    """Before what."""
    rows: tuple[Row, ...] = ()
    remarks: tuple[Remark, ...] = ()


@immutable
class Recall:
    """That a referral was taken back: nothing of its content, why, and what to destroy."""

    heading: str
    why: str
    at: str
    destroy: tuple[str, ...]


@immutable
class Document:
    """A delivery as its recipient reads it, on a screen or on paper."""

    heading: str
    summary: str
    """In one line: category, grade, force and reference."""
    reference: str
    version: str
    """Which version it is, and since when the recipient has it."""
    marking: str = ""
    marking_meaning: str = ""
    notices: tuple[str, ...] = ()
    """That it is a correction, or that a newer version is there."""
    handling: Handling | None = None
    sections: tuple[Section, ...] = ()
    recall: Recall | None = None
    is_short: bool = False
    """Whether it is the short page of a school."""
    true_at: str = ""
    """On paper: as of when it is true."""
