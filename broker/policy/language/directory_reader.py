"""Read the directory document: organisations, kinds of them, and the areas to be covered."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import yaml

from broker.domain.channel import WEB_ADDRESS, AddressForm, ChannelForms
from broker.domain.codes import Contact, NoticeChannel
from broker.domain.ids import OrganisationCode
from broker.errors import Fault, PolicyError
from broker.policy.language.directory import (
    WEEKDAYS,
    Area,
    Directory,
    Entry,
    Organisation,
    OrganisationKind,
    Telephone,
)
from broker.policy.language.similar_rows import SimilarRows
from broker.policy.language.vocabulary import KINDS, NATIONS, SCHOOL
from broker.policy.language.yaml_nodes import Node, Pointer, content_of, node_of, plain_of
from broker.policy.places.gazetteer import installed
from broker.policy.time.calendars import OFFICE_HOURS, BankHolidays, Hours, WorkingCalendar
from schemas.codes import Opening

_OFFICE = dict.fromkeys(range(5), (OFFICE_HOURS,))
MOBILE = AddressForm(re.compile(r"(\+44 ?7|07)( ?[0-9]){9}"), "07700 900123")
"""A mobile of the United Kingdom: text messages go to no other number."""
_ADDRESSES = {
    NoticeChannel.EMAIL: AddressForm(
        re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"),
        "duty@stoke.example.org",
    ),
    NoticeChannel.WEBHOOK: WEB_ADDRESS,
    NoticeChannel.COMMAND: AddressForm(re.compile(r"[a-z][a-z0-9-]{0,39}"), "page-on-call"),
    NoticeChannel.SMS: MOBILE,
}
"""The form of an address for each way. A command is named, and set by the environment."""
TELEPHONE = AddressForm(re.compile(r"(\+44|0)( ?[0-9]){9,10}"), "01632 960123")
"""A number of the United Kingdom, with its area code."""
_DAY = 24 * 60
_REQUIRED = ("name", "kind", "nation", "channel", "hours", "from")
_OPTIONAL = (
    *("address", "areas", "closures", "out_of_hours_partner", "until", "urn", "terms", "contacts"),
    "encrypted",
)


WeekHours = tuple[bool, Mapping[int, tuple[Hours, ...]]]
"""Whether an office never closes, and its opening times by weekday."""


def read_directory(
    root: Node, holidays: Mapping[str, BankHolidays], channels: ChannelForms
) -> Directory:
    """Read the directory document; what is wrong is added to the node's faults."""
    sections = root.fields(("organisations",), ("areas", "kinds"))
    areas = [_area(code, node) for code, node in _entries(sections, "areas")]
    kinds = {kind: OrganisationKind(kind, kind.replace("-", " "), "", "") for kind in KINDS}
    kinds |= {code: _kind(code, node) for code, node in _entries(sections, "kinds")}
    reader = OrganisationReader(kinds, {area.code for area in areas}, holidays, channels)
    organisations = [reader.read(code, node) for code, node in _entries(sections, "organisations")]
    return Directory(areas, organisations, kinds)


def documented_entries(
    directory: str, codes: Collection[OrganisationCode]
) -> dict[OrganisationCode, dict[str, Any]]:
    """Return what a directory document says of organisations, as JSON; of some maybe nothing."""
    root = Node.parse("directory.yaml", directory, [])
    organisations = dict(root.entries()).get("organisations") if root else None
    wanted = {str(code): code for code in codes}
    entries = organisations.entries() if organisations else ()
    return {wanted[code]: plain_of(entry.node) for code, entry in entries if code in wanted}


def read_entry(text: str) -> dict[str, Any]:
    """Return an entry that is written on its own, in YAML or JSON. Raises PolicyError."""
    faults: list[Fault] = []
    root = Node.parse("entry", text, faults)
    if root is None or not root.is_mapping:
        raise PolicyError("Write an organisation's entry: 'key: value' lines.", faults=faults)
    entry: dict[str, Any] = plain_of(root.node)
    return entry


def _identity(node: yaml.Node) -> Hashable:
    """Return what two nodes with the same content have in common.

    In a document all who refer to a node have that very node, and it lasts as long as the reading.
    Each row has nodes of its own.
    """
    return content_of(node) if isinstance(node.start_mark, Pointer) else id(node)


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


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """A version of an organisation that stands in a row of its own."""

    code: OrganisationCode
    version: int
    first: int
    """The revision of the directory with which the organisation first became a row."""
    document: Mapping[str, Any] | None
    """Its entry, as a directory document has it; None: what the policy's document says counts."""


class OrganisationReader:
    """Reads organisations; hours and terms that several of them have are read once.

    A national directory has 25,000 schools, most of which share their council's terms.
    """

    def __init__(
        self,
        kinds: Mapping[str, OrganisationKind],
        declared_areas: Collection[str],
        holidays: Mapping[str, BankHolidays],
        channels: ChannelForms,
    ) -> None:
        self._kinds = tuple(kinds)
        self._declared_areas = declared_areas
        self._holidays = holidays
        self._channels = channels
        self._hours: dict[Hashable, WeekHours] = {}
        self._terms: dict[Hashable, frozenset[date]] = {}
        """Both by what ``_identity`` returns for their node."""
        self._school_days: dict[Hashable, frozenset[date]] = {}
        self._calendars: dict[Hashable, WorkingCalendar] = {}
        self._similar = SimilarRows(_ADDRESSES[NoticeChannel.EMAIL], TELEPHONE)

    def entries(
        self,
        rows: Iterable[OrganisationRow],
        faults: list[Fault],
        known: Directory | None = None,
    ) -> list[Entry]:
        """Read rows; what is wrong with them is added to ``faults``.

        What ``known`` has of the same version is taken from there: a directory whose rows were read
        with the same kinds, areas and calendars.
        """
        entries = []
        for row in rows:
            organisation = known.as_read(row.code) if known and row.version else None
            if organisation is None or organisation.version != row.version:
                organisation = None
            if row.document is not None and organisation is None:
                organisation = self._similar.read(
                    row.code, row.version, row.document, partial(self._read_row, row, faults)
                )
            entries.append(Entry(row.code, organisation, row.first))
        if faults:  # what was read wrongly must be found wrong again
            self._hours.clear()
            self._terms.clear()
        return entries

    def _read_row(self, row: OrganisationRow, faults: list[Fault]) -> tuple[Organisation, bool]:
        """Return the organisation of a row, and whether nothing is wrong with it."""
        before = len(faults)
        node = Node(f"organisation {row.code}", node_of(row.document), faults)
        return self.read(row.code, node), len(faults) == before

    def read(self, code: str, node: Node) -> Organisation:
        """Read one entry."""
        fields = node.fields(_REQUIRED, _OPTIONAL)
        nation = _nation(fields)
        bank = self._holidays.get(nation) or next(iter(self._holidays.values()))
        always, hours = self._opening(fields["hours"]) if "hours" in fields else (False, _OFFICE)
        closures = _closures(fields)
        days = self._days(fields["terms"], bank, closures) if "terms" in fields else None
        kind = _choice(fields, "kind", self._kinds, "kind of organisation")
        channel = _choice(fields, "channel", self._channels, "channel")
        if kind == SCHOOL and ("urn" not in fields or days is None):
            node.fault("missing", "A school needs its 'urn' and its 'terms'.")
        calendar = self._calendar(WorkingCalendar(bank, hours, closures, days))
        contacts, telephones = self._contacts(fields, always, calendar)
        return Organisation(
            code=OrganisationCode(code),
            name=_text(fields, "name"),
            kind=kind,
            nation=nation,
            channel=channel,
            areas=_areas(fields, self._declared_areas),
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
            address=_channel_address(channel, fields, node, self._channels),
            encrypted=_encrypted(channel, fields, self._channels),
        )

    def _calendar(self, calendar: WorkingCalendar) -> WorkingCalendar:
        """Return one calendar for all with the same hours: what is counted serves all."""
        hours, closures = sorted(calendar.hours.items()), sorted(calendar.closures.items())
        key = calendar.nation, tuple(hours), tuple(closures), calendar.school_days
        return self._calendars.setdefault(key, calendar)

    def _opening(self, node: Node) -> WeekHours:
        key = _identity(node.node)
        if key not in self._hours:
            self._hours[key] = _hours(node)
        return self._hours[key]

    def _days(
        self, node: Node, bank: BankHolidays, closures: Mapping[date, str]
    ) -> frozenset[date]:
        """Return every weekday of the terms that is no holiday and no closure."""
        identity = _identity(node.node)
        if identity not in self._terms:
            self._terms[identity] = _weekdays(node)
        terms = self._terms[identity]
        key = terms, bank.nation, frozenset(closures)
        if key not in self._school_days:
            self._school_days[key] = terms.difference(bank.days, closures)
        return self._school_days[key]

    def _contacts(
        self, fields: Mapping[str, Node], always: bool, calendar: WorkingCalendar
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
                telephones[Contact(name)] = self._telephone(written, always, calendar)
            elif "hours" in written:
                written["hours"].fault("missing", "Write the 'telephone' that is answered then.")
        return contacts, telephones

    def _telephone(
        self, written: Mapping[str, Node], always: bool, calendar: WorkingCalendar
    ) -> Telephone:
        number = _address(TELEPHONE, "telephone", written["telephone"])
        if "hours" not in written:
            return Telephone(number, always, calendar.hours, calendar)
        always, hours = self._opening(written["hours"])
        if not always and not hours:
            written["hours"].fault("never-open", "Nobody ever answers: write at least one window.")
        return Telephone(number, always, hours, self._calendar(replace(calendar, hours=hours)))


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


def _choice(fields: Mapping[str, Node], name: str, known: Collection[str], kind: str) -> str:
    return fields[name].choice(known, kind) if name in fields else ""


def _text(fields: Mapping[str, Node], name: str) -> str:
    return fields[name].text() if name in fields else ""


def _nation(fields: Mapping[str, Node]) -> str:
    return _choice(fields, "nation", NATIONS, "nation")


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
        if name not in WEEKDAYS:
            written.fault("unknown-name", f"{name!r} is no weekday; known: {', '.join(WEEKDAYS)}.")
            continue
        windows = written.items() if written.is_list else (written,)
        hours[WEEKDAYS.index(name)] = tuple(window.times() for window in windows)
    hours = {weekday: windows for weekday, windows in sorted(hours.items()) if windows}
    if hours and _overlap(hours):
        node.fault(
            "overlap", "Write the windows in their order, each closed before the next opens."
        )
    return False, hours


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


def _address(form: AddressForm, channel: str, node: Node) -> str:
    address = node.text()
    if address and not form.fits(address):
        message = f"Write an address for {channel} here, such as {form.example}."
        node.fault("wrong-type", message)
    return address


def _weekdays(terms: Node) -> frozenset[date]:
    """Return every day from Monday to Friday of the terms."""
    days: set[date] = set()
    for term in terms.items():
        first, last = term.days()
        days.update(first + timedelta(days=after) for after in range((last - first).days + 1))
    return frozenset(day for day in days if day.weekday() < 5)
