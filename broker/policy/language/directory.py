"""Who there is: organisations with their areas, opening hours, channels and effective dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from broker.domain.channel import WEB_ADDRESS, AddressForm, ChannelForms
from broker.domain.codes import Contact, NoticeChannel
from broker.domain.ids import OrganisationCode
from broker.policy.language.recipient_words import RecipientWords, meanings_of, names_of, normalised
from broker.policy.language.vocabulary import KINDS, NATIONS, SCHOOL
from broker.policy.language.yaml_nodes import Node
from broker.policy.places.gazetteer import installed
from broker.policy.time.calendars import (
    OFFICE_HOURS,
    BankHolidays,
    Hours,
    WorkingCalendar,
    window_said,
)
from schemas.codes import Opening

_OFFICE = dict.fromkeys(range(5), (OFFICE_HOURS,))
_ADDRESSES = {
    NoticeChannel.EMAIL: AddressForm(
        re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"),
        "duty@stoke.example.org",
    ),
    NoticeChannel.WEBHOOK: WEB_ADDRESS,
    NoticeChannel.COMMAND: AddressForm(re.compile(r"[a-z][a-z0-9-]{0,39}"), "page-on-call"),
}
"""The form of an address for each way. A command is named, and set by the environment."""
TELEPHONE = AddressForm(re.compile(r"(\+44|0)( ?[0-9]){9,10}"), "01632 960123")
"""A number of the United Kingdom, with its area code."""
_DAY = 24 * 60
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_REQUIRED = ("name", "kind", "nation", "channel", "hours", "from")
_OPTIONAL = (
    *("address", "areas", "closures", "out_of_hours_partner", "until", "urn", "terms", "contacts"),
    "encrypted",
)


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
        self._serving: dict[tuple[str, str], list[Organisation]] = {}
        for organisation in self.organisations:
            for place in (
                *organisation.areas,
                *([organisation.urn] if organisation.urn else []),
                "anywhere",
            ):
                self._serving.setdefault((organisation.kind, place), []).append(organisation)

    def organisation(self, code: str) -> Organisation | None:
        """Return an organisation by its code."""
        return self._by_code.get(OrganisationCode(code))

    @property
    def ops(self) -> Organisation | None:
        """Those who look after the broker, and whatever no agency has."""
        candidates = self._serving.get(("ops", "anywhere"))
        return candidates[0] if candidates else None

    def serving(self, kind: str, place: str, day: date) -> Organisation | None:
        """Return the organisation of a kind for an area, a school's URN or ``anywhere``."""
        for organisation in self._serving.get((kind, place), ()):
            if organisation.is_in_effect(day):
                return organisation
        return None

    def office_of(self, partner: str, likely: str = "") -> Organisation | None:
        """Return the office that a team out of hours stands in for, where it is certain.

        A team may stand in for several; ``likely`` is then the one that is meant, if it is among
        them.
        """
        offices = {
            organisation.code: organisation
            for organisation in self.organisations
            if organisation.out_of_hours_partner == partner
        }
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


def read_directory(
    root: Node, holidays: Mapping[str, BankHolidays], channels: ChannelForms
) -> Directory:
    """Read the directory document; what is wrong is added to the node's faults."""
    sections = root.fields(("organisations",), ("areas", "kinds"))
    areas = [_area(code, node) for code, node in _entries(sections, "areas")]
    kinds = {kind: OrganisationKind(kind, kind.replace("-", " "), "", "") for kind in KINDS}
    kinds |= {code: _kind(code, node) for code, node in _entries(sections, "kinds")}
    organisations = [
        _organisation(code, node, kinds, {area.code for area in areas}, holidays, channels)
        for code, node in _entries(sections, "organisations")
    ]
    return Directory(areas, _with_shared_calendars(_with_partners(organisations)), kinds)


def _entries(sections: Mapping[str, Node], name: str) -> list[tuple[str, Node]]:
    return sections[name].entries() if name in sections else []


def _area(code: str, node: Node) -> Area:
    fields = node.fields(("name", "nation"))
    return Area(code, _text(fields, "name"), _nation(fields), node.place)


def _kind(code: str, node: Node) -> OrganisationKind:
    fields = node.fields(("name",), ("view", "also_called"))
    called = fields["also_called"].items() if "also_called" in fields else ()
    return OrganisationKind(
        code,
        _text(fields, "name"),
        _text(fields, "view"),
        node.place,
        tuple(item.text() for item in called),
    )


def own_words(organisation: Organisation) -> frozenset[str]:
    """Return the words for one organisation and no other of its kind, as entries are compared."""
    urn = organisation.urn
    codes = (organisation.code, urn or "", f"URN {urn}" if urn else "")
    return names_of(organisation.name).union(normalised(code) for code in codes if code)


def _organisation(
    code: str,
    node: Node,
    kinds: Mapping[str, OrganisationKind],
    declared: Collection[str],
    holidays: Mapping[str, BankHolidays],
    channels: ChannelForms,
) -> Organisation:
    fields = node.fields(_REQUIRED, _OPTIONAL)
    nation = _nation(fields)
    bank = holidays.get(nation) or next(iter(holidays.values()))
    always, hours = _hours(fields["hours"]) if "hours" in fields else (False, _OFFICE)
    closures = _closures(fields)
    days = _school_days(fields, bank, closures)
    kind = fields["kind"].choice(tuple(kinds), "kind of organisation") if "kind" in fields else ""
    channel = fields["channel"].choice(channels, "channel") if "channel" in fields else ""
    if kind == SCHOOL and ("urn" not in fields or days is None):
        node.fault("missing", "A school needs its 'urn' and its 'terms'.")
    calendar = WorkingCalendar(bank, hours, closures, days)
    contacts, telephones = _contacts(fields, always, calendar)
    return Organisation(
        code=OrganisationCode(code),
        name=_text(fields, "name"),
        kind=kind,
        nation=nation,
        channel=channel,
        areas=_areas(fields, declared),
        effective_from=fields["from"].day() if "from" in fields else date.min,
        effective_until=fields["until"].day() if "until" in fields else None,
        always_open=always,
        hours=hours,
        closures=closures,
        out_of_hours_partner=OrganisationCode(_text(fields, "out_of_hours_partner")) or None,
        urn=_text(fields, "urn") or None,
        school_days=days,
        contacts=contacts,
        telephones=telephones,
        place=node.place,
        calendar=calendar,
        address=_channel_address(channel, fields, node, channels),
        encrypted=_encrypted(channel, fields, channels),
    )


def _encrypted(channel: str, fields: Mapping[str, Node], channels: ChannelForms) -> bool:
    """Return whether the channel must encrypt; only one that can is asked to."""
    if "encrypted" not in fields or not fields["encrypted"].flag():
        return False
    if channel in channels and not channels[channel].encrypts:
        fields["encrypted"].fault("unknown-name", f"Channel {channel!r} cannot encrypt.")
    return True


def _channel_address(
    channel: str, fields: Mapping[str, Node], node: Node, channels: ChannelForms
) -> str:
    """Return where the channel sends; the entry has an address exactly where the channel asks."""
    form = channels[channel].address if channel in channels else None
    if form is not None and "address" not in fields:
        node.fault("missing", f"Channel {channel!r} needs an 'address', such as {form.example}.")
    if "address" not in fields:
        return ""
    if form is None:
        fields["address"].fault("unknown-name", f"Channel {channel!r} has no address.")
        return ""
    return _address(form, channel, fields["address"])


def _text(fields: Mapping[str, Node], name: str) -> str:
    return fields[name].text() if name in fields else ""


def _nation(fields: Mapping[str, Node]) -> str:
    return fields["nation"].choice(NATIONS, "nation") if "nation" in fields else ""


def _areas(fields: Mapping[str, Node], declared: Collection[str]) -> tuple[str, ...]:
    """Read the areas that an organisation serves: they exist, or the directory declares them."""
    found = []
    for item in fields["areas"].items() if "areas" in fields else ():
        code = item.text()
        if code not in declared and code not in installed():
            item.fault("unknown-name", f"There is no area {code!r}.")
        found.append(code)
    return tuple(found)


def _hours(node: Node) -> tuple[bool, Mapping[int, tuple[Hours, ...]]]:
    """Read ``always``, ``office``, or opening times for each weekday: a window, or a list of them.

    Windows that overlap are a fault.
    """
    if not isinstance(node.node.value, list):
        word = node.choice(tuple(Opening), "word for opening hours")
        return word == Opening.ALWAYS, _OFFICE
    hours: dict[int, tuple[Hours, ...]] = {}
    for name, written in node.entries():
        if name not in _WEEKDAYS:
            written.fault("unknown-name", f"{name!r} is no weekday; known: {', '.join(_WEEKDAYS)}.")
            continue
        windows = written.items() if written.is_list else (written,)
        hours[_WEEKDAYS.index(name)] = tuple(window.times() for window in windows)
    hours = {weekday: windows for weekday, windows in sorted(hours.items()) if windows}
    if hours and _overlap(hours):
        node.fault(
            "overlap", "Write the windows in their order, each closed before the next opens."
        )
    return False, hours


def said_hours(always: bool, hours: Mapping[int, tuple[Hours, ...]]) -> str:
    """Return opening or duty hours: ``always``, or the weekdays with their times."""
    if always:
        return "always"
    days: dict[str, list[str]] = {}
    for weekday, windows in sorted(hours.items()):
        times = " and ".join(window_said(window) for window in windows)
        days.setdefault(times, []).append(_WEEKDAYS[weekday])
    return "; ".join(f"{' '.join(names)} {times}" for times, names in days.items())


def _overlap(hours: Mapping[int, tuple[Hours, ...]]) -> bool:
    """Tell whether one window begins before the one before it ends, around the week."""
    spans = []
    for weekday, windows in hours.items():
        for opens, closes in windows:
            begins, ends = (weekday * _DAY + _minute(at) for at in (opens, closes))
            spans.append((begins, ends if closes > opens else ends + _DAY))
    spans.append((spans[0][0] + 7 * _DAY, spans[0][1] + 7 * _DAY))
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _closures(fields: Mapping[str, Node]) -> Mapping[date, str]:
    closures = {}
    for written, node in fields["closures"].entries() if "closures" in fields else ():
        try:
            closures[date.fromisoformat(written)] = node.text()
        except ValueError:
            node.fault("wrong-type", "Write 'date: reason', such as '2026-12-29: moving house'.")
    return closures


def _contacts(
    fields: Mapping[str, Node], always: bool, calendar: WorkingCalendar
) -> tuple[dict[Contact, Mapping[NoticeChannel, str]], dict[Contact, Telephone]]:
    """Read where each contact is told of alarms, and its telephone with its duty hours.

    Duty hours that are not written are those of the organisation.
    """
    contacts: dict[Contact, Mapping[NoticeChannel, str]] = {}
    telephones = {}
    for name, node in fields["contacts"].entries() if "contacts" in fields else ():
        if name not in tuple(Contact):
            node.fault("unknown-name", f"{name!r} is none of {', '.join(Contact)}.")
            continue
        written = node.fields((), (*NoticeChannel, "telephone", "hours"))
        contacts[Contact(name)] = {
            channel: _address(_ADDRESSES[channel], channel, written[channel])
            for channel in NoticeChannel
            if channel in written
        }
        if "telephone" in written:
            telephones[Contact(name)] = _telephone(written, always, calendar)
        elif "hours" in written:
            written["hours"].fault("missing", "Write the 'telephone' that is answered then.")
    return contacts, telephones


def _telephone(written: Mapping[str, Node], always: bool, calendar: WorkingCalendar) -> Telephone:
    number = _address(TELEPHONE, "telephone", written["telephone"])
    if "hours" not in written:
        return Telephone(number, always, calendar.hours, calendar)
    always, hours = _hours(written["hours"])
    if not always and not hours:
        written["hours"].fault("never-open", "Nobody ever answers: write at least one window.")
    return Telephone(number, always, hours, replace(calendar, hours=hours))


def _address(form: AddressForm, channel: str, node: Node) -> str:
    address = node.text()
    if address and not form.fits(address):
        message = f"Write an address for {channel} here, such as {form.example}."
        node.fault("wrong-type", message)
    return address


def _school_days(
    fields: Mapping[str, Node], bank: BankHolidays, closures: Mapping[date, str]
) -> frozenset[date] | None:
    """Return every weekday of the terms that is no holiday and no closure."""
    if "terms" not in fields:
        return None
    days: set[date] = set()
    for term in fields["terms"].items():
        first, last = term.days()
        days.update(first + timedelta(days=after) for after in range((last - first).days + 1))
    closed = {*bank.days, *closures}
    return frozenset(day for day in days if day.weekday() < 5 and day not in closed)


def _with_shared_calendars(organisations: list[Organisation]) -> list[Organisation]:
    """Give all who are open at the same hours one calendar: what is counted serves all."""
    shared: dict[Hashable, WorkingCalendar] = {}
    return [
        replace(
            organisation,
            calendar=shared.setdefault(_content(organisation.calendar), organisation.calendar),
        )
        for organisation in organisations
    ]


def _content(calendar: WorkingCalendar) -> Hashable:
    hours, closures = sorted(calendar.hours.items()), sorted(calendar.closures.items())
    return calendar.nation, tuple(hours), tuple(closures), calendar.school_days


def _with_partners(organisations: list[Organisation]) -> list[Organisation]:
    """Give every team that stands in for an office that office's calendar."""
    stands_in = {
        organisation.out_of_hours_partner: organisation
        for organisation in organisations
        if organisation.out_of_hours_partner
    }
    return [
        replace(organisation, calendar=stands_in[organisation.code].calendar)
        if organisation.always_open and organisation.code in stands_in
        else organisation
        for organisation in organisations
    ]
