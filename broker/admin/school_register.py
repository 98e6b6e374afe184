"""Take schools over from the register of England, "Get Information about Schools", by their URN.

The register says which schools there are, what they are called, and when they open and close. It
does not say who is responsible for safeguarding there: addresses for alerts, hours and terms come
from a template, and what somebody has written of a school since stays.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from broker.admin.directory_changes import DirectoryChanges, Following, following_versions
from broker.domain.ids import OrganisationCode
from broker.errors import Fault, Invalid, PolicyError
from broker.ledger.directory import ChangeContext, NewVersion
from broker.policy.language.directory import Organisation
from broker.policy.language.directory_reader import TELEPHONE, read_entry
from broker.policy.language.entry_edits import EntryCourse, merged

_ENCODINGS = ("utf-8-sig", "cp1252")
"""The register offers extracts in the second; spreadsheets save them in the first as well."""
COLUMNS = ("URN", "EstablishmentName", "EstablishmentStatus (name)", "OpenDate", "CloseDate")
"""What an extract must have. ``TelephoneNum`` and ``GSSLACode (name)`` are read where they are."""
BATCH = 1000
"""Schools that are changed in one transaction."""
_URN = re.compile(r"[0-9]{6}")
_OPEN = ("Open", "Open, but proposed to close", "Proposed to open")


@dataclass(frozen=True, slots=True)
class School:
    """A line of the register."""

    urn: str
    name: str
    is_open: bool
    """Open, or about to be."""
    opens: date | None
    closes: date | None
    telephone: str
    """Empty where the register has none that can be called."""
    area: str
    """The council's ONS code; empty where it is not given."""


@dataclass(frozen=True, slots=True)
class Template:
    """What every new school is, beside what the register says of it."""

    entry: Mapping[str, Any]
    """As an entry of a directory; ``{urn}`` stands for the school's URN in every text."""
    by_area: Mapping[str, Mapping[str, Any]]
    """What schools of a council have instead, by the council's code."""

    def for_school(self, school: School) -> dict[str, Any]:
        """Return the entry of a school that the directory does not have."""
        entry = {**self.entry, **self.by_area.get(school.area, {})}
        filled: dict[str, Any] = _filled(entry, school.urn)
        return filled


@dataclass(slots=True)
class Plan:
    """What an import would change, at the instant ``now``."""

    now: datetime

    added: list[NewVersion] = field(default_factory=list)
    changed: list[NewVersion] = field(default_factory=list)
    closed: list[NewVersion] = field(default_factory=list)
    later: dict[OrganisationCode, Following] = field(default_factory=dict)
    """What is set for later of those that are changed or closed, with the change."""
    unchanged: int = 0
    left_out: int = 0
    """Closed before they were ever in the directory."""
    refused: dict[str, list[Fault]] = field(default_factory=dict)
    """What is wrong with schools that stay as they are, by code or URN."""

    @property
    def changes(self) -> list[NewVersion]:
        """Everything that is to be recorded."""
        return [*self.added, *self.changed, *self.closed]

    @property
    def counts(self) -> dict[str, int]:
        """How many schools, by what becomes of them."""
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "closed": len(self.closed),
            "unchanged": self.unchanged,
            "left_out": self.left_out,
            "refused": len(self.refused),
        }


def read_template(text: str) -> Template:
    """Read a template: ``entry``, and ``by_area`` where councils differ. Raises PolicyError."""
    document = read_entry(text)
    entry, by_area = document.pop("entry", None), document.pop("by_area", None) or {}
    if document or not isinstance(by_area, dict):
        raise PolicyError("A template has 'entry', and may have 'by_area' beside it.")
    if not all(isinstance(part, dict) for part in (entry, *by_area.values())):
        raise PolicyError("Write 'entry', and each council of 'by_area', as 'key: value' lines.")
    return Template(entry, by_area)


@contextmanager
def open_register(path: Path) -> Iterator[Iterable[str]]:
    """Open an extract in the encoding that it has. Raises PolicyError where it cannot be read."""
    for encoding in _ENCODINGS:
        try:
            with path.open(encoding=encoding) as lines:
                deque(lines, maxlen=0)
        except UnicodeDecodeError:
            continue
        with path.open(encoding=encoding, newline="") as lines:
            yield lines
            return
    raise PolicyError("The extract is neither in UTF-8 nor in Windows-1252.")


def read_register(lines: Iterable[str]) -> Iterator[School]:
    """Read an extract. Raises PolicyError where it is none."""
    try:
        yield from _schools(csv.DictReader(lines))
    except csv.Error as error:
        raise PolicyError("The extract is no CSV: a line of it cannot be read.") from error


def _schools(rows: csv.DictReader[str]) -> Iterator[School]:
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise PolicyError(
            f"This is no extract of the register: it has no column {', '.join(missing)}. Download "
            "'all establishment data' as CSV."
        )
    for number, row in enumerate(rows, start=2):
        yield _school(number, row)


def plan(
    schools: Iterable[School],
    template: Template,
    changes: DirectoryChanges,
    *,
    now: datetime,
    notice: Callable[[int], None],
) -> Plan:
    """Compare the register with the directory, and check every change. Records nothing.

    ``notice`` is called with how many schools were compared so far.
    """
    result, seen, batch = Plan(now), set[str](), list[School]()
    known = changes.schools_by_urn()
    done = 0
    for school in schools:
        if school.urn in seen:
            fault = Fault(f"URN {school.urn}", "duplicate", "The extract has this school twice.")
            result.refused[school.urn] = [fault]
            continue
        seen.add(school.urn)
        batch.append(school)
        if len(batch) == BATCH:
            _compare(batch, template, changes, known, result)
            done += len(batch)
            notice(done)
            batch = []
    _compare(batch, template, changes, known, result)
    notice(done + len(batch))
    for kind in (result.added, result.changed, result.closed):
        single = [new for new in kind if new.document["urn"] not in result.refused]
        kind[:] = _sound(single, changes, result)
    return result


def carry_out(
    planned: Plan,
    changes: DirectoryChanges,
    context: Callable[[], ChangeContext],
    *,
    notice: Callable[[int], None],
) -> None:
    """Record what was planned, a thousand schools at a time.

    What was recorded stays if it is interrupted; the same import then goes on with the rest. Raises
    Conflict where a school was changed since the plan was made.
    """
    every = planned.changes
    for number in range(0, len(every), BATCH):
        batch = every[number : number + BATCH]
        later = [change for new in batch for change in planned.later.get(new.code, ())]
        changes.record(batch, context(), later=later)
        notice(number + len(batch))


def _compare(
    batch: Sequence[School],
    template: Template,
    changes: DirectoryChanges,
    known: Mapping[str, Organisation],
    result: Plan,
) -> None:
    mine = {school.urn: known.get(school.urn) for school in batch}
    current = changes.many([organisation.code for organisation in mine.values() if organisation])
    new = {school.urn: OrganisationCode(f"school-{school.urn}") for school in batch}
    starting = changes.starting(now=result.now)
    taken = changes.taken([code for urn, code in new.items() if mine[urn] is None])
    for school in batch:
        organisation, code = mine[school.urn], new[school.urn]
        if organisation is not None and organisation.code in starting:
            message = "A version of it is about to start. Repeat the import in a minute."
            fault = Fault(f"organisation {organisation.code}", "starting", message)
            result.refused[organisation.code] = [fault]
        elif organisation is not None:
            last, entry = current[organisation.code]
            course = EntryCourse(last, entry, organisation.version)
            if last != organisation.version:
                course = changes.course(organisation.code, now=result.now)
            _compare_known(school, organisation.code, course, result)
        elif not school.is_open:
            result.left_out += 1
        elif code in taken:
            message = (
                f"There is an organisation {code!r} already: it has another URN, or starts later."
            )
            result.refused[code] = [Fault(f"organisation {code}", "duplicate", message)]
        else:
            result.added.append(NewVersion(code, 0, _new(school, template)))


def _compare_known(
    school: School, code: OrganisationCode, course: EntryCourse, result: Plan
) -> None:
    """Plan the change of a school that the directory has: only what the register says of it."""
    entry = course.entry
    ends = school.closes.isoformat() if school.closes else None
    if ends is None and not school.is_open:
        ends = entry.get("until") or result.now.date().isoformat()
    document = merged(entry, {"name": school.name, "until": ends})
    if document == entry:
        result.unchanged += 1
        return
    is_closed = not school.is_open and "until" not in entry
    change = NewVersion(code, course.version, document)
    (result.closed if is_closed else result.changed).append(change)
    if following := following_versions(code, course, document, None):
        result.later[code] = following


def _new(school: School, template: Template) -> dict[str, Any]:
    entry = template.for_school(school)
    entry |= {"name": school.name, "kind": "school", "nation": "ENG", "urn": school.urn}
    if school.opens:
        entry["from"] = max(school.opens.isoformat(), str(entry.get("from", "")))
    if school.closes:
        entry["until"] = school.closes.isoformat()
    contacts = entry.get("contacts")
    duty = contacts.get("duty") if isinstance(contacts, dict) else None
    if isinstance(duty, dict) and school.telephone:
        duty.setdefault("telephone", school.telephone)
    return entry


def _sound(new: Sequence[NewVersion], changes: DirectoryChanges, result: Plan) -> list[NewVersion]:
    """Return the changes that may be recorded; the others are noted as refused."""
    sound: list[NewVersion] = []
    for number in range(0, len(new), BATCH):
        batch = list(new[number : number + BATCH])
        while wrong := _wrong(batch, changes):
            result.refused |= wrong
            batch = [version for version in batch if version.code not in wrong]
        sound.extend(batch)
    return sound


def _wrong(batch: Sequence[NewVersion], changes: DirectoryChanges) -> dict[str, list[Fault]]:
    """Return what is wrong with changes by code; the form first, and the rest once it is right."""
    try:
        changes.check(batch)
    except Invalid as error:
        return _by_code(error.faults, {version.code for version in batch})
    return {}


def _by_code(faults: Sequence[Fault], codes: set[OrganisationCode]) -> dict[str, list[Fault]]:
    """Return faults by the organisation that they name. Raises Invalid where they name none."""
    by_code: dict[str, list[Fault]] = {}
    for fault in faults:
        code = fault.pointer.removeprefix("organisation ").partition(" ")[0]
        if code not in codes:
            raise Invalid("The import would leave the directory unfit.", faults=faults)
        by_code.setdefault(code, []).append(fault)
    return by_code


def _school(number: int, row: Mapping[str, str | None]) -> School:
    """Read a line. Raises PolicyError where it is no school's."""
    urn, name = ((row.get(column) or "").strip() for column in ("URN", "EstablishmentName"))
    if not _URN.fullmatch(urn) or not name:
        raise PolicyError(f"Line {number} of the extract has no URN of six digits, or no name.")
    return School(
        urn=urn,
        name=name,
        is_open=(row.get("EstablishmentStatus (name)") or "").strip() in _OPEN,
        opens=_day(row.get("OpenDate"), number),
        closes=_day(row.get("CloseDate"), number),
        telephone=_telephone(row.get("TelephoneNum") or ""),
        area=(row.get("GSSLACode (name)") or "").strip(),
    )


def _day(text: str | None, number: int) -> date | None:
    if not (text or "").strip():
        return None
    try:
        return datetime.strptime(f"{text} +0000", "%d-%m-%Y %z").astimezone(UTC).date()
    except ValueError as error:
        raise PolicyError(f"Line {number} has a date that is not like 31-08-2027.") from error


def _telephone(text: str) -> str:
    """Return a number that can be called; spreadsheets take the first nought away."""
    digits = re.sub(r"[^0-9+]", "", text)
    number = digits if digits.startswith(("0", "+")) else f"0{digits}"
    return number if TELEPHONE.fits(number) else ""


def _filled(value: Any, urn: str) -> Any:
    """Return a part of a template with a school's URN in it."""
    if isinstance(value, Mapping):
        return {name: _filled(part, urn) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, urn) for part in value]
    return value.replace("{urn}", urn) if isinstance(value, str) else value
