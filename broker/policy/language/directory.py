"""Who there is: organisations with their areas, opening hours, channels and effective dates."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import Generic, TypeVar

from broker.domain.codes import Contact, NoticeChannel
from broker.domain.ids import OrganisationCode
from broker.policy.language.layered import Layered
from broker.policy.language.recipient_words import RecipientWords, meanings_of, names_of, normalised
from broker.policy.places.gazetteer import installed
from broker.policy.time.calendars import (
    Hours,
    WorkingCalendar,
    window_said,
)

P = TypeVar("P")
_ANYWHERE = "anywhere"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Area:
    """A council's area by its ONS code."""

    code: str
    name: str
    nation: str
    place: str
    """``file:line`` of its entry."""


@dataclass(frozen=True, slots=True)
class OrganisationKind:
    """A kind of organisation."""

    code: str
    name: str
    view: str
    """What such an organisation may see by its kind; empty where it is not declared."""
    place: str
    """``file:line`` of its entry; empty where it is not declared."""
    also_called: tuple[str, ...] = ()
    """Words in which publishers mean this kind, such as "the school"."""

    @property
    def words(self) -> frozenset[str]:
        """Every word for it, as entries are compared."""
        words = [normalised(word) for word in (self.code, self.name, *self.also_called)]
        return frozenset((*words, *(f"{word}s" for word in words)))


@dataclass(frozen=True, slots=True)
class Telephone:
    """The number of a contact, and when somebody answers it."""

    number: str
    always: bool
    hours: Mapping[int, tuple[Hours, ...]]
    calendar: WorkingCalendar = field(compare=False, repr=False)

    def is_answered(self, instant: datetime) -> bool | None:
        """Tell whether somebody answers at an instant; None when the calendar does not know."""
        return self.always or self.calendar.is_open(instant)

    @property
    def words(self) -> str:
        """When it is answered: ``always``, or the weekdays with their times."""
        return said_hours(self.always, self.hours)


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation that publishes or receives.

    ``calendar`` is what its deadlines are counted in. One that never closes has the calendar of
    the office that it stands in for, because working days are the office's.
    """

    code: OrganisationCode
    name: str
    kind: str
    nation: str
    channel: str
    areas: tuple[str, ...]
    effective_from: date
    effective_until: date | None
    always_open: bool
    hours: Mapping[int, tuple[Hours, ...]]
    closures: Mapping[date, str]
    out_of_hours_partner: OrganisationCode | None
    urn: str | None
    school_days: frozenset[date] | None
    contacts: Mapping[Contact, Mapping[NoticeChannel, str]]
    """Where its people are told of alarms: an address for each way."""
    place: str
    """``file:line`` of its entry."""
    calendar: WorkingCalendar = field(compare=False)
    address: str = ""
    """Where its channel sends; empty for a channel that needs no address."""
    encrypted: bool = False
    """Whether nothing may go to it but what is encrypted to its own key."""
    telephones: Mapping[Contact, Telephone] = field(default_factory=dict)
    """The numbers of its contacts."""
    version: int = field(default=0, compare=False)
    """Which version of its row this is; 0: an entry of the policy's document."""

    def is_in_effect(self, day: date) -> bool:
        """Tell whether the entry counts on a day."""
        ends = self.effective_until
        return self.effective_from <= day and (ends is None or day <= ends)

    def is_open(self, instant: datetime) -> bool | None:
        """Tell whether somebody is there at an instant; None when the calendar does not know."""
        return self.always_open or self.calendar.is_open(instant)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an organisation is from a revision of the directory on."""

    code: OrganisationCode
    organisation: Organisation | None
    """None: what the policy's document says of it, which may be nothing."""
    first: int
    """The revision with which it first became a row: its place among those that are rows."""


class Directory:
    """Every organisation, every kind of them, and the areas that must be covered.

    It never changes. A changed copy shares what is the same, so that it costs what was changed.
    """

    def __init__(
        self,
        areas: Collection[Area],
        organisations: Collection[Organisation],
        kinds: Mapping[str, OrganisationKind],
    ) -> None:
        self.kinds = kinds
        """Those that are declared, and those that the broker knows itself, by code."""
        self.areas: Mapping[str, Area] = {area.code: area for area in areas}
        """The areas that must be covered, by code. Which exist is the gazetteer's to say."""
        self.revision = 0
        """The last change of an organisation's row that counts; 0: the document alone."""
        self.dated_as: Directory = self
        """A directory whose entries begin and end, and whose schools open, as here."""
        self._words: dict[tuple[str, str], RecipientWords] = {}
        self._kind_words: frozenset[str] = frozenset()
        self._word_counts: Layered[str, int] | None = None
        """How many organisations mean a word alone; None until somebody asks."""
        self._in_order: tuple[Organisation, ...] | None = None
        self._codes: list[OrganisationCode] | None = None
        """All, sorted; None until somebody asks."""
        documented = {organisation.code: organisation for organisation in organisations}
        self._documented: Mapping[OrganisationCode, Organisation] = documented
        """As the document has them, whatever rows say."""
        self._places = Layered({code: number for number, code in enumerate(documented)})
        """The place of each in the order of organisations."""
        self._by_code = Layered(documented)
        self.names = Layered({code: organisation.name for code, organisation in documented.items()})
        """Every organisation's name by its code."""
        self._serving = Layered(_codes_by(_places_of, documented.values()))
        """Who serves a place, by kind and place."""
        self._offices = Layered(_codes_by(_partner_of, documented.values()))
        """The offices that a team out of hours stands in for, by the team's code."""
        self._own_calendars: Mapping[OrganisationCode, WorkingCalendar] = {}
        """Those of teams that count by the calendar of their office."""
        self._count_as_offices(self._offices)

    @property
    def organisations(self) -> tuple[Organisation, ...]:
        """Every organisation: in the order of the document, and then those that are rows alone."""
        if self._in_order is None:
            everybody = [self._by_code[code] for code in self._by_code]
            self._in_order = tuple(
                sorted(everybody, key=lambda organisation: self._places[organisation.code])
            )
        return self._in_order

    def after(self, code: str, limit: int) -> list[Organisation]:
        """Return organisations in the order of their codes, from beyond a code on."""
        if self._codes is None:
            self._codes = sorted(self._by_code)
        begins = bisect_right(self._codes, code)
        return [self._by_code[known] for known in self._codes[begins : begins + limit]]

    def with_entries(self, entries: Sequence[Entry], *, revision: int) -> Directory:
        """Return the directory of another revision, in which these organisations are others."""
        before = {entry.code: self.as_read(entry.code) for entry in entries}
        after = {
            entry.code: entry.organisation or self._documented.get(entry.code) for entry in entries
        }
        new = copy(self)
        new.revision, new._in_order, new._codes = revision, None, None
        new._words = {key: words for key, words in [*self._words.items()] if key[0] not in after}
        new._by_code = self._by_code.with_changes(after)
        new.names = self.names.with_changes(
            {code: now.name if now else None for code, now in after.items()}
        )
        rows = [entry for entry in entries if entry.code not in self._documented]
        new._places = self._places.with_changes(
            {entry.code: len(self._documented) + entry.first for entry in rows}
        )
        new._place(before, after)
        if self._word_counts is not None:
            new._word_counts = _counted(self._word_counts, before.values(), after.values())
        if any(_dates(before[code]) != _dates(after[code]) for code in after):
            new.dated_as = new
        return new

    def as_read(self, code: OrganisationCode) -> Organisation | None:
        """Return an organisation with the calendar of its own."""
        organisation, own = self._by_code.get(code), self._own_calendars.get(code)
        return replace(organisation, calendar=own) if organisation and own else organisation

    def _place(
        self,
        before: Mapping[OrganisationCode, Organisation | None],
        after: Mapping[OrganisationCode, Organisation | None],
    ) -> None:
        """Put organisations where they are looked up by what they serve and stand in for."""
        serving, offices = _Moves(self._serving), _Moves(self._offices)
        for code, was in before.items():
            now = after[code]
            serving.move(code, _places_of(was), _places_of(now))
            offices.move(code, _partner_of(was), _partner_of(now))
        self._serving = serving.made(self._places)
        self._offices = offices.made(self._places)
        own = {code: kept for code, kept in self._own_calendars.items() if code not in after}
        partners = (
            _partner_of(organisation) for organisation in (*before.values(), *after.values())
        )
        touched = {*after, *chain.from_iterable(partners)}
        teams = {code: self._offices.get(code) or () for code in touched}
        for code in teams.keys() & own.keys():
            self._by_code = self._by_code.with_changes(
                {code: replace(self._by_code[code], calendar=own.pop(code))}
            )
        self._own_calendars = own
        self._count_as_offices(teams)

    def _count_as_offices(
        self, teams: Mapping[OrganisationCode, Sequence[OrganisationCode]]
    ) -> None:
        """Give teams that never close and stand in for an office that office's calendar."""
        own, changed = dict(self._own_calendars), {}
        for code, offices in teams.items():
            team = self._by_code.get(code)
            if team is None or not team.always_open or not offices:
                continue
            own[code] = team.calendar
            office = self.as_read(offices[-1])
            if office is not None:
                changed[code] = replace(team, calendar=office.calendar)
        self._own_calendars = own
        if changed:
            self._by_code = self._by_code.with_changes(changed)

    def organisation(self, code: str) -> Organisation | None:
        """Return an organisation by its code."""
        return self._by_code.get(OrganisationCode(code))

    @property
    def ops(self) -> Organisation | None:
        """Those who look after the broker, and whatever no agency has."""
        codes = self._serving.get(("ops", _ANYWHERE)) or ()
        return self._by_code[codes[0]] if codes else None

    def serving(self, kind: str, place: str, day: date) -> Organisation | None:
        """Return the organisation of a kind for an area, a school's URN or ``anywhere``."""
        for code in self._serving.get((kind, place)) or ():
            organisation = self._by_code[code]
            if organisation.is_in_effect(day):
                return organisation
        return None

    def has_kind(self, kind: str) -> bool:
        """Tell whether there is an organisation of a kind, on whatever day."""
        return (kind, _ANYWHERE) in self._serving

    def ever_serving(self, kind: str, place: str) -> Sequence[Organisation]:
        """Return the organisations of a kind for a place on whatever day."""
        return [self._by_code[code] for code in self._serving.get((kind, place)) or ()]

    def offices_of(self, partner: str) -> Sequence[Organisation]:
        """Return the offices that a team out of hours stands in for."""
        codes = self._offices.get(OrganisationCode(partner)) or ()
        return [self._by_code[code] for code in codes]

    def office_of(self, partner: str, likely: str = "") -> Organisation | None:
        """Return the office that a team out of hours stands in for, where it is certain.

        A team may stand in for several; ``likely`` is then the one that is meant, if it is among
        them.
        """
        codes = self._offices.get(OrganisationCode(partner)) or ()
        if likely in codes:
            return self.organisation(likely)
        return self._by_code[codes[0]] if len(codes) == 1 else None

    def calendar_of(self, agency: str, office: str | None = None) -> WorkingCalendar | None:
        """Return the calendar in which an agency's part is counted; None where it is not listed.

        ``office`` is the one that the agency has the part for, where it is a team out of hours.
        """
        counted = self.organisation(office or agency) or self.organisation(agency)
        return counted.calendar if counted else None

    def words_for(self, code: str, kind: str = "") -> RecipientWords:
        """Return by which words a recipient is meant, also when it stands in for another kind."""
        known = self._words.get((code, kind))
        if known is None:
            known = self._words[code, kind] = RecipientWords(self._words_of(code, kind))
        return known

    def means_anybody(self, entry: str) -> bool:
        """Tell whether an entry means a kind or an organisation of the directory."""
        if self._word_counts is None:
            self._kind_words = frozenset().union(*(kind.words for kind in self.kinds.values()))
            self._word_counts = _counted(Layered({}), (), self.organisations)
        meanings = meanings_of(entry)
        return not self._kind_words.isdisjoint(meanings) or any(
            meaning in self._word_counts for meaning in meanings
        )

    def _words_of(self, code: str, kind: str) -> frozenset[str]:
        organisation = self.organisation(code)
        codes = {kind, organisation.kind if organisation else ""}
        kinds = (self.kinds[name].words for name in codes if name in self.kinds)
        return frozenset({normalised(code)}).union(
            own_words(organisation) if organisation else (), *kinds
        )

    def organisation_name(self, code: str) -> str:
        """Return an organisation's name, or the bare code of one that is not there any more."""
        organisation = self.organisation(code)
        return organisation.name if organisation else code

    def area_name(self, code: str) -> str:
        """Return an area's name with its code, or the bare code of another place."""
        area = self.areas.get(code) or installed().place(code)
        return f"{area.name} ({code})" if area else code


class _Moves(Generic[P]):
    """Changes of a table that has, for each place, the codes of those who are there."""

    def __init__(self, table: Layered[P, tuple[OrganisationCode, ...]]) -> None:
        self._table = table
        self._changed: dict[P, list[OrganisationCode]] = {}

    def move(self, code: OrganisationCode, was: Collection[P], now: Collection[P]) -> None:
        """Take a code from where it was, and put it where it is now."""
        for place in set(was) - set(now):
            self._codes(place).remove(code)
        for place in set(now) - set(was):
            self._codes(place).append(code)

    def _codes(self, place: P) -> list[OrganisationCode]:
        if place not in self._changed:
            self._changed[place] = list(self._table.get(place) or ())
        return self._changed[place]

    def made(
        self, places: Mapping[OrganisationCode, int]
    ) -> Layered[P, tuple[OrganisationCode, ...]]:
        """Return the table with the changes; codes in the order of the directory."""
        return self._table.with_changes(
            {
                place: tuple(sorted(codes, key=lambda code: places[code])) or None
                for place, codes in self._changed.items()
            }
        )


def _places_of(organisation: Organisation | None) -> list[tuple[str, str]]:
    """Return what an organisation is looked up by: its kind with each place that it serves."""
    if organisation is None:
        return []
    urn = [organisation.urn] if organisation.urn else []
    return [(organisation.kind, place) for place in (*organisation.areas, *urn, _ANYWHERE)]


def _partner_of(organisation: Organisation | None) -> tuple[OrganisationCode, ...]:
    partner = organisation.out_of_hours_partner if organisation else None
    return (partner,) if partner else ()


def _codes_by(
    keys_of: Callable[[Organisation], Iterable[P]], organisations: Iterable[Organisation]
) -> dict[P, tuple[OrganisationCode, ...]]:
    """Return which organisations are looked up by each key, in their order."""
    codes: dict[P, list[OrganisationCode]] = {}
    for organisation in organisations:
        for key in keys_of(organisation):
            codes.setdefault(key, []).append(organisation.code)
    return {key: tuple(under) for key, under in codes.items()}


def _dates(organisation: Organisation | None) -> object:
    """Return all that decides when an entry ends, and who comes after it."""
    if organisation is None:
        return None
    ends = organisation.effective_from, organisation.effective_until, organisation.school_days
    return *ends, organisation.kind, organisation.areas, organisation.urn


def _counted(
    counts: Layered[str, int],
    gone: Iterable[Organisation | None],
    come: Iterable[Organisation | None],
) -> Layered[str, int]:
    """Return how many organisations mean each word alone, after some are gone and some come."""
    changes: Counter[str] = Counter()
    for organisations, number in ((gone, -1), (come, 1)):
        for organisation in organisations:
            for word in own_words(organisation) if organisation else ():
                changes[word] += number
    totals = {word: (counts.get(word) or 0) + change for word, change in changes.items()}
    return counts.with_changes({word: total or None for word, total in totals.items()})


def own_words(organisation: Organisation) -> frozenset[str]:
    """Return the words for one organisation and no other of its kind, as entries are compared."""
    return _own_words(organisation.code, organisation.name, organisation.urn)


@lru_cache(maxsize=4096)
def _own_words(code: str, name: str, urn: str | None) -> frozenset[str]:
    codes = (code, urn or "", f"URN {urn}" if urn else "")
    return names_of(name).union(normalised(code) for code in codes if code)


def said_hours(always: bool, hours: Mapping[int, tuple[Hours, ...]]) -> str:
    """Return opening or duty hours: ``always``, or the weekdays with their times."""
    if always:
        return "always"
    days: dict[str, list[str]] = {}
    for weekday, windows in sorted(hours.items()):
        times = " and ".join(window_said(window) for window in windows)
        days.setdefault(times, []).append(WEEKDAYS[weekday])
    return "; ".join(f"{' '.join(names)} {times}" for times, names in days.items())
