"""Referrals that never add up: the third low one for the same child within some days.

Who a child is is kept as keyed hashes of identifiers and nothing else, so that nobody without the
key can ask about a child, and no profile comes about. Values in, values out.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from broker.domain.codes import Grade
from broker.policy.household import household_children
from broker.policy.language.vocabulary import GRADES
from broker.policy.language.yaml_nodes import Node
from broker.policy.time.calendars import LONDON, in_words
from schemas.child import Child
from schemas.referral import Referral
from schemas.spellings import says_nothing
from schemas.unknown import known

CODE = "third-low"
_LISTED = 10
_ALIASES = 10
_LEAST, _MOST_COUNT, _MOST_DAYS = 2, 20, 366
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th"})
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Which referrals for one child are counted, and from how many on it is told."""

    grade: Grade
    """As the police gave it: one that was raised since was low all the same."""
    count: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A child in a referral of a grade that is counted."""

    referral: UUID
    publisher: str
    reference: str
    child: str
    """Its local id."""
    pointer: str
    grade: Grade
    at: datetime
    """When the referral was accepted."""
    marks: tuple[bytes, ...]
    """Keyed hashes; two occurrences that share one are of the same child."""
    nhs: bytes | None = None
    """The one of the NHS number: two children whose numbers differ are two children."""

    def is_another(self, other: Occurrence) -> bool:
        """Tell whether an occurrence is of another child, whatever else they share."""
        return None not in (self.nhs, other.nhs) and self.nhs != other.nhs


@dataclass(frozen=True, slots=True)
class EarlierReferral:
    """Another referral for the same child."""

    publisher: str
    reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recurring:
    """An occurrence that is one too many, with the earlier ones, oldest first."""

    occurrence: Occurrence
    earlier: tuple[EarlierReferral, ...]

    @property
    def count(self) -> int:
        """How many referrals it is, this one included."""
        return len(self.earlier) + 1

    def own_references(self) -> list[str]:
        """Return the references that the publisher knows: another force's are not its business."""
        mine = self.occurrence.publisher
        return [other.reference for other in self.earlier if other.publisher == mine][-_LISTED:]

    def words(self, rule: Recurrence) -> str:
        """Say which one it is, and on which days the others came; never whose they were."""
        days = [other.at.astimezone(LONDON).date() for other in self.earlier]
        return (
            f"This is the {_ordinal(self.count)} referral graded {_plain(rule.grade)} for this "
            f"child within {rule.window.days} days; before it: {_listed(days)}."
        )


def read_recurrence(node: Node) -> Recurrence:
    """Read the policy's section ``recurrence``."""
    fields = node.fields(("grade", "count", "within_days"))
    grade = fields["grade"].choice(GRADES, "grade") if "grade" in fields else ""
    return Recurrence(
        Grade(grade) if grade in GRADES else Grade.LOW,
        fields["count"].number(_LEAST, _MOST_COUNT) if "count" in fields else _LEAST,
        timedelta(
            days=fields["within_days"].number(1, _MOST_DAYS) if "within_days" in fields else 1
        ),
    )


def occurrences(
    referral: Referral, *, id_: UUID, publisher: str, at: datetime, key: bytes
) -> list[Occurrence]:
    """Return the children of a referral, and of its household, that can be recognised."""
    listed = [(f"/children/{number}", child) for number, child in enumerate(referral.children)]
    around = household_children(referral, at.astimezone(LONDON).date())
    occurrences = []
    for pointer, child in (*listed, *((each.pointer, each.child) for each in around)):
        if marks := marks_of(child, key):
            occurrences.append(
                Occurrence(
                    referral=id_,
                    publisher=publisher,
                    reference=referral.reference,
                    child=child.id,
                    pointer=pointer,
                    grade=referral.grade.level,
                    at=at,
                    marks=marks,
                    nhs=_nhs_mark(child, key),
                )
            )
    return occurrences


def marks_of(child: Child, key: bytes) -> tuple[bytes, ...]:
    """Return a child's marks: HMAC-SHA-256 of each identifier, in one spelling (RFC 2104)."""
    return tuple(sorted({_mark(text, key) for text in _identifiers(child)}))


def _mark(text: str, key: bytes) -> bytes:
    mark = _keyed(key).copy()
    mark.update(text.encode())
    return mark.digest()


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> hmac.HMAC:
    """Return what each mark begins with: making it costs more than all that follows."""
    return hmac.new(key, digestmod="sha256")


def _nhs_mark(child: Child, key: bytes) -> bytes | None:
    number = known(child.nhs_number)
    return _mark(_nhs(number), key) if number else None


def _nhs(number: str) -> str:
    return f"nhs:{''.join(number.split())}"


def recurring(
    seen: Iterable[Occurrence],
    before: Mapping[tuple[UUID, str], Sequence[EarlierReferral]],
    rule: Recurrence,
) -> list[Recurring]:
    """Return which of these occurrences are one too many.

    ``before`` holds what was recorded already, by referral and child. Occurrences that are routed
    together count in the order in which they were accepted. A reference counts once, however
    often its referral was sent, and never for itself.
    """
    flagged, together = [], list[Occurrence]()
    for occurrence in sorted(
        seen, key=lambda occurrence: (occurrence.at, occurrence.referral, occurrence.pointer)
    ):
        others = [
            *before.get((occurrence.referral, occurrence.child), ()),
            *_matching(occurrence, together),
        ]
        earlier = _distinct(occurrence, others, rule)
        if len(earlier) + 1 >= rule.count:
            flagged.append(Recurring(occurrence, earlier))
        together.append(occurrence)
    return flagged


def _matching(occurrence: Occurrence, together: Iterable[Occurrence]) -> Iterator[EarlierReferral]:
    marks = set(occurrence.marks)
    for other in together:
        if not marks.isdisjoint(other.marks) and not occurrence.is_another(other):
            yield EarlierReferral(other.publisher, other.reference, other.at)


def _distinct(
    occurrence: Occurrence, others: Iterable[EarlierReferral], rule: Recurrence
) -> tuple[EarlierReferral, ...]:
    own = (occurrence.publisher, occurrence.reference)
    referrals = {
        (other.publisher, other.reference): other
        for other in others
        if (other.publisher, other.reference) != own and abs(occurrence.at - other.at) < rule.window
    }
    return tuple(sorted(referrals.values(), key=lambda other: (other.at, other.reference)))


def _identifiers(child: Child) -> Iterator[str]:
    """Go through what a child is known by, each in one spelling and with its kind."""
    if number := known(child.nhs_number):
        yield _nhs(number)
    if number := known(child.upn):
        yield f"upn:{number.upper()}"
    born = known(child.date_of_birth)
    names = [_words(name) for name in (child.given_name, child.family_name)]
    for alias in child.aliases[:_ALIASES] if born else ():
        words = _words(alias)
        # A single word is a first name: the family name goes with it.
        whole = words if len(words) > 1 else [*words, *names[1]]
        if len(whole) > 1:
            yield f"words:{' '.join(sorted(whole))}:{born}"
    if born and all(names):
        yield f"words:{' '.join(sorted(word for parts in names for word in parts))}:{born}"
        yield f"names:{' '.join(sorted(''.join(parts) for parts in names))}:{born}"


def _words(name: str | None) -> list[str]:
    """Return the words of a name without case, accents and punctuation; none of no name."""
    if says_nothing(name):
        return []
    parts = unicodedata.normalize("NFKD", (name or "").casefold().translate(_PLAIN))
    letters = (part for part in parts if not unicodedata.combining(part) and part not in "'’`.")
    return "".join(letter if letter.isalnum() else " " for letter in letters).split()


def _listed(days: Sequence[date]) -> str:
    listed = ", ".join(in_words(day) for day in days[-_LISTED:])
    more = len(days) - _LISTED
    return f"{more} more, {listed}" if more > 0 else listed


def _ordinal(number: int) -> str:
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else _ORDINALS.get(number % 10, 'th')}"


def _plain(grade: Grade) -> str:
    return grade.replace("_", " ")
