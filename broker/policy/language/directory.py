"""Who there is: organisations with their areas, opening hours, channels and effective dates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

from broker.domain.codes import Contact, NoticeChannel
from broker.domain.ids import OrganisationCode
from broker.policy.language.recipient_words import RecipientWords, meanings_of, names_of, normalised
from broker.policy.places.gazetteer import installed
from broker.policy.time.calendars import (
    Hours,
    WorkingCalendar,
    window_said,
)

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

    def is_in_effect(self, day: date) -> bool:
        """Tell whether the entry counts on a day."""
        ends = self.effective_until
        return self.effective_from <= day and (ends is None or day <= ends)

    def is_open(self, instant: datetime) -> bool | None:
        """Tell whether somebody is there at an instant; None when the calendar does not know."""
        return self.always_open or self.calendar.is_open(instant)


class Directory:
    """Every organisation, every kind of them, and the areas that must be covered."""

    def __init__(
        self,
        areas: Collection[Area],
        organisations: Collection[Organisation],
        kinds: Mapping[str, OrganisationKind],
    ) -> None:
        self.organisations = tuple(organisations)
        """In the order of the document."""
        self.kinds = kinds
        """Those that are declared, and those that the broker knows itself, by code."""
        self.areas: Mapping[str, Area] = {area.code: area for area in areas}
        """The areas that must be covered, by code. Which exist is the gazetteer's to say."""
        self._words: dict[tuple[str, str], RecipientWords] = {}
        self._every_word: frozenset[str] = frozenset()
        self._by_code = {organisation.code: organisation for organisation in self.organisations}
        self.names: Mapping[OrganisationCode, str] = {
            organisation.code: organisation.name for organisation in self.organisations
        }
        """Every organisation's name by its code."""
        self._offices: dict[str, dict[OrganisationCode, Organisation]] = {}
        """The offices that a team out of hours stands in for, by the team's code."""
        self._serving: dict[tuple[str, str], list[Organisation]] = {}
        for organisation in self.organisations:
            for place in (
                *organisation.areas,
                *([organisation.urn] if organisation.urn else []),
                "anywhere",
            ):
                self._serving.setdefault((organisation.kind, place), []).append(organisation)
            if partner := organisation.out_of_hours_partner:
                self._offices.setdefault(partner, {})[organisation.code] = organisation

    def organisation(self, code: str) -> Organisation | None:
        """Return an organisation by its code."""
        return self._by_code.get(OrganisationCode(code))

    @property
    def ops(self) -> Organisation | None:
        """Those who look after the broker, and whatever no agency has."""
        return next(iter(self.ever_serving("ops")), None)

    def serving(self, kind: str, place: str, day: date) -> Organisation | None:
        """Return the organisation of a kind for an area, a school's URN or ``anywhere``."""
        for organisation in self.ever_serving(kind, place):
            if organisation.is_in_effect(day):
                return organisation
        return None

    def ever_serving(self, kind: str, place: str = "anywhere") -> Sequence[Organisation]:
        """Return the organisations of a kind for a place on whatever day."""
        return self._serving.get((kind, place), ())

    def office_of(self, partner: str, likely: str = "") -> Organisation | None:
        """Return the office that a team out of hours stands in for, where it is certain.

        A team may stand in for several; ``likely`` is then the one that is meant, if it is among
        them.
        """
        offices = self._offices.get(partner, {})
        meant = offices.get(OrganisationCode(likely))
        return meant or (next(iter(offices.values())) if len(offices) == 1 else None)

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
        if not self._every_word:
            kinds = (kind.words for kind in self.kinds.values())
            own = (own_words(organisation) for organisation in self.organisations)
            self._every_word = frozenset().union(*kinds, *own)
        return not self._every_word.isdisjoint(meanings_of(entry))

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
