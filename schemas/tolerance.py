"""Lenient intake: an unfamiliar value costs its field, never the child.

The schemas stay the only judge. A document with faults is loaded, the faulty fields are treated,
and it is loaded again, until it is valid. Each field that was treated is named once, by its pointer
into the document as received, with what was done:

- ``set_aside``: it is left out, with the smallest part around it that can be left out;
- ``read``: it was written in another form, and means the value that stands there;
- ``shortened``: it was too long, and its beginning stands there;
- ``assumed``: it is needed and cannot be read, and the cautious value stands there.

What was done is a function of the document and that name (``treated``), so that nothing of the
content is kept twice: who may see the field reads the original in the document as received.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields

from schemas import defects, links, loading, pictures, readings, referral, shapes
from schemas import fields as kinds
from schemas.codes import Grade, MissingStatus
from schemas.errors import Fault
from schemas.formats import Instant, LocalId, Surroundings, surroundings
from schemas.immutable import immutable
from schemas.links import SOMEBODY
from schemas.referral import REFERRAL, CheckedReferral, Referral
from schemas.repairs import READ_OTHERWISE
from schemas.spellings import folded, says_no, says_nothing

Path = tuple[str | int, ...]
ORIGINAL_LIMIT = 500
LIMIT = 1000
"""A document with more fields to treat is refused: it follows another schema."""
NOT_GIVEN = "Not given."
LINK_REMOVED = "link-removed"
HOSTED_IMAGE = "hosted-image"
CODE_READ_OTHERWISE = "read-otherwise"
_READ_OTHERWISE = (
    "The body was not JSON in UTF-8 as it should be; its original form is listed here, and "
    "everything in it is kept."
)
_SHAPED = f"/{READ_OTHERWISE}/shapes"
"""Under this pointer, which no document has, stands that parts were written in another shape."""
_SHAPED_OTHERWISE = (
    "Parts were written in another shape, or under another spelling of their name, and are read as "
    "what stands there now: {}."
)
_NAMED = f"/{READ_OTHERWISE}/names"
"""Under this pointer stands that fields were written under other names."""
_NAMED_OTHERWISE = (
    "Fields were written under other names, or beside the part to which they belong, and are read "
    "as what stands there now: {}."
)
NO_CONTACT = "no-contact"
_EMBARGO = timedelta(days=28)
"""An embargo whose end cannot be read holds so long, or until a person releases it."""
_PASSES = 12
_CUT = object()
_GONE = object()
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_ROOT = kinds.One(REFERRAL)
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_NEVER_DROPPED = {("handling", "embargo")}
_TELEPHONE = ("referrer", "telephone")
_NARROWING = frozenset({("about",), ("belongs_to",), ("household", "children")})
"""Fields, by the end of their path, without which more people would be shown what stands there."""
_CAUTIOUS: Mapping[str, Any] = {"level": str(Grade.VERY_HIGH)}
"""What stands for a code that cannot be read; else ``other`` or ``unknown``, where there is one."""


class Treatment(StrEnum):
    """What was done with a field."""

    SET_ASIDE = "set_aside"
    READ = "read"
    SHORTENED = "shortened"
    ASSUMED = "assumed"


_SAID = {
    Treatment.SET_ASIDE: "It is set aside; the original is kept.",
    Treatment.READ: "It is read as what stands there; the original is kept.",
    Treatment.SHORTENED: "Its beginning stands there; the original is kept.",
    Treatment.ASSUMED: "What stands there is assumed, so that nobody waits for it.",
}


@immutable
class Treated(Fault):
    """A defect that a field was treated for; ``pointer`` is that of the document as received."""

    treatment: Treatment


def load(
    value: object,
    *,
    today: date,
    areas: Container[str] | None = None,
    received_at: datetime | None = None,
    may_link: bool = True,
) -> CheckedReferral:
    """Check a document and load it, leniently; never raises on any value that JSON can hold.

    Its ``referral`` is None only for what is no referral; its ``faults`` are those for which strict
    handling refuses it. ``received_at`` stands for the moment of first knowledge where that cannot
    be read.
    ``may_link``: a text may hold a link to a picture, which is struck out.
    """
    checked = referral.load(value, today=today, areas=areas)
    is_clean = checked.referral is not None and not (may_link and _linking(value))
    if is_clean or not isinstance(value, dict):
        return checked
    shaped = shapes.shaped(value, REFERRAL)
    if not _is_referral(shaped.document):
        return checked
    moment = received_at or datetime.combine(today, time(), UTC)
    token = surroundings.set(Surroundings(today, areas))
    try:
        treatment = _Treatment(shaped.document, moment)
        loaded = treatment.run()
    finally:
        surroundings.reset(token)
    if loaded is None:
        return checked
    named = [*treatment.named.values(), *_shape_of(shaped)]
    gaps = defects.find(loaded.children, loaded.times)
    gaps = [gap for gap in gaps if not any(_is_within(defect, gap) for defect in named)]
    linking = [
        Fault(defect.pointer, HOSTED_IMAGE, defect.message)
        for defect in named
        if defect.code == LINK_REMOVED
    ]
    faults = loading.sort([*checked.faults, *linking])
    return CheckedReferral(loaded, faults, loading.ordered([*named, *gaps]), treatment.document())


def reload(value: object, *, received_at: datetime = _LONG_AGO) -> Referral:
    """Load a document that was checked before, whatever areas and days are known by now.

    Raises ValueError when it is no referral.
    """
    checked = load(value, today=date.max, received_at=received_at)
    if checked.referral is None:
        raise ValueError(f"This is no referral: {checked.faults[0].code}.")
    return checked.referral


def treated(
    document: Mapping[str, Any], named: Iterable[Mapping[str, Any]], received_at: datetime
) -> dict[str, Any]:
    """Return a document as it was judged, by the defects that name what was treated.

    Defects without a treatment change nothing.
    """
    named = list(named)
    document = as_shaped(document, named)
    edits: dict[Path, Any] = {}
    for defect in named:
        if "treatment" in defect and defect["pointer"] not in (_SHAPED, _NAMED):
            path = _path(document, defect["pointer"])
            _edit(document, path, Treatment(defect["treatment"]), edits, received_at)
    if not edits:
        return dict(document)
    edited: dict[str, Any] = _edited(document, edits, _by_parent(edits), ())
    return edited


def as_shaped(document: Mapping[str, Any], named: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return a document as received in the shape into which the pointers of its defects point."""
    pointers = {defect["pointer"] for defect in named}
    if pointers.isdisjoint((_SHAPED, _NAMED)):
        return document
    return shapes.shaped(document, REFERRAL, renames=_NAMED in pointers).document


def local_id(
    document: Mapping[str, Any], named: Iterable[Mapping[str, Any]], group: str, place: int
) -> str | None:
    """Return the id under which somebody in a document was judged, or None where nobody was."""
    pointer = f"/{group}/{place}"
    treatments = {defect["pointer"]: defect.get("treatment") for defect in named}
    path: Path = (group, place, "id")
    treatment = treatments.get(f"{pointer}/id")
    edits: dict[Path, Any] = {}
    if treatment is not None:
        _edit(document, path, Treatment(treatment), edits, _LONG_AGO)
    name = edits.get(path, _at(document, path))
    return name if isinstance(name, str) and pointer not in treatments else None


def struck(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as received in which links to pictures are struck out."""
    edits = {path: pictures.without_links(_at(document, path)) for path in _linking(document)}
    edited: dict[str, Any] = _edited(document, edits, _by_parent(edits), ())
    return edited


def noted(defects: Iterable[Fault]) -> list[dict[str, str]]:
    """Return the defects of fields that were treated as the ledger keeps them."""
    return [
        {"pointer": defect.pointer, "code": defect.code, "treatment": str(defect.treatment)}
        for defect in defects
        if isinstance(defect, Treated)
    ]


def is_assumed(named: Iterable[Fault], *pointers: str) -> bool:
    """Tell whether what stands at one of the pointers was not written there."""
    return any(
        isinstance(defect, Treated)
        and defect.treatment is Treatment.ASSUMED
        and defect.pointer in pointers
        for defect in named
    )


def original(document: Mapping[str, Any], pointer: str) -> str | None:
    """Return what was written in a field, fit to be shown, or None where nothing was.

    At most ``ORIGINAL_LIMIT`` characters; links to pictures are struck out.
    """
    value = _at(document, _path(document, pointer))
    if value is _GONE:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub("\ufffd", pictures.without_links(text[: ORIGINAL_LIMIT * 4]))[
        :ORIGINAL_LIMIT
    ]


def written_at(document: Mapping[str, Any], pointer: str) -> Any:
    """Return what stands at a pointer of a document, None where nothing does."""
    value = _at(document, _path(document, pointer))
    return None if value is _GONE else value


@dataclass(slots=True)
class _Treatment:
    """The treatment of one document: what is changed, and how it is named."""

    received: dict[str, Any]
    received_at: datetime
    edits: dict[Path, Any] = field(default_factory=dict)
    named: dict[Path, Treated] = field(default_factory=dict)
    fresh: set[Path] = field(default_factory=set)
    """What was treated in the pass that runs."""

    def run(self) -> Referral | None:
        """Treat what is wrong until nothing is; None when that does not come to an end."""
        for path in _linking(self.received):
            self._name(path, LINK_REMOVED, "A link to a picture or film.", Treatment.READ)
        for _ in range(_PASSES):
            loaded, faults = _attempt(self.document())
            if not faults:
                return loaded
            paths = [(self._received_path(fault.pointer), fault) for fault in _first(faults)]
            self.fresh.clear()
            for path, fault in paths:
                if not self._treat(path, fault) or len(self.named) > LIMIT:
                    return None
        return None

    def document(self) -> dict[str, Any]:
        """Return the document as treated so far."""
        edited: dict[str, Any] = _edited(self.received, self.edits, _by_parent(self.edits), ())
        return edited

    def _received_path(self, pointer: str) -> Path:
        """Return where in the received document a fault of the treated one is."""
        value: Any = self.received
        path: Path = ()
        for step in _steps(pointer):
            if isinstance(value, list) and path not in self.edits:
                left = [
                    place
                    for place in range(len(value))
                    if self.edits.get((*path, place)) is not _CUT
                ]
                path = (*path, left[int(step)])
            else:
                path = (*path, step)
            value = _GONE if path in self.edits else _below(value, path[-1])
        return path

    def _treat(self, path: Path, fault: Fault) -> bool:
        """Treat one fault; False when nothing can be done about it."""
        if path == (READ_OTHERWISE,):
            self._name(path, CODE_READ_OTHERWISE, _READ_OTHERWISE, Treatment.SET_ASIDE)
            return True
        path = _target(self.received, path)
        if fault.code == "duplicate-id":
            path = self._in_household(path)
        if fault.code == NO_CONTACT:
            path = (*path, "telephone")
        path = next((path[:end] for end in range(1, len(path)) if path[:end] in self.edits), path)
        while path:
            if self._is_over(path):
                return True
            kind = self._treatment_of(path, fault.code)
            if kind is not None:
                self._name(path, fault.code, fault.message, kind)
                return True
            path = path[:-1]
        return False

    def _in_household(self, path: Path) -> Path:
        """Return whose id is given anew: of a person posing risk who stands under the household as
        well, the one there, because who points at that id points at the risk.
        """
        if path[0] != "persons_posing_risk":
            return path
        household = _listed(self.received.get("household", ()))
        for place, member in enumerate(household):
            there: Path = ("household", place, "id")
            if isinstance(member, dict) and self._value(there) == self._value(path):
                return there
        return path

    def _value(self, path: Path) -> Any:
        return self.edits.get(path, _at(self.received, path))

    def _is_over(self, path: Path) -> bool:
        """Tell whether a field, or something around it, was treated in this pass already."""
        return any(path[:end] in self.fresh for end in range(1, len(path) + 1))

    def _treatment_of(self, path: Path, code: str) -> Treatment | None:
        """Return what is to be done with a field, or None when the part around it must go."""
        kind, value = _field_at(path), _at(self.received, path)
        if code == NO_CONTACT:
            return Treatment.ASSUMED
        before = self.named.get(path)
        is_first = before is None or before.code == LINK_REMOVED
        if is_first and kind is not None and value is not _GONE and code != "duplicate-id":
            if _is_read(self.received, path, kind, value):
                return Treatment.READ
            if code == "too-long" and isinstance(value, str | list):
                return Treatment.SHORTENED
        if kind is None or not _is_needed(path, kind, value):
            return Treatment.SET_ASIDE
        may_assume = before is None or before.treatment is not Treatment.ASSUMED
        has_filler = _filler(self.received, path, self.received_at) is not _GONE
        return Treatment.ASSUMED if may_assume and has_filler else None

    def _name(self, path: Path, code: str, message: str, kind: Treatment) -> None:
        for inner in [inner for inner in self.named if inner[: len(path)] == path]:
            del self.named[inner]
            self.edits.pop(inner, None)
        _edit(self.received, path, kind, self.edits, self.received_at)
        self.fresh.add(path)
        pointer = "".join(f"/{loading.escape(str(step))}" for step in path)
        self.named[path] = Treated(pointer, code, f"{message} {_SAID[kind]}", kind)


def _first(faults: list[Fault]) -> list[Fault]:
    """Return the faults to treat in one pass: of very many, what is too long comes first.

    Items over the limit of their list may each have a fault, and are cut anyway.
    """
    if len(faults) <= LIMIT:
        return faults
    return ([fault for fault in faults if fault.code == "too-long"] or faults)[: LIMIT + 1]


def _attempt(document: dict[str, Any]) -> tuple[Referral | None, list[Fault]]:
    try:
        loaded, faults = REFERRAL.load(document), []
    except ValidationError as error:
        loaded, faults = None, list(loading.faults(error))
    return loaded, [*faults, *links.check(document)]


def _shape_of(shaped: shapes.Shaped) -> list[Treated]:
    """Return the defects that name the places that had another shape or another name."""
    changes = (
        (_NAMED, _NAMED_OTHERWISE, shaped.renamed),
        (_SHAPED, _SHAPED_OTHERWISE, shaped.places),
    )
    return [
        Treated(pointer, CODE_READ_OTHERWISE, words.format(", ".join(places)), Treatment.READ)
        for pointer, words, places in changes
        if places
    ]


def _is_referral(document: Mapping[str, Any]) -> bool:
    """Tell whether a document is about somebody or something."""
    about = ("children", "household", "persons_posing_risk", "online", "concern")
    return any(isinstance(document.get(name), dict | list) and document[name] for name in about)


def _is_within(defect: Treated, gap: Fault) -> bool:
    """Tell whether a gap is there because the field was set aside."""
    return defect.pointer == gap.pointer or defect.pointer.startswith(f"{gap.pointer}/")


def _linking(value: Any) -> list[Path]:
    """Return where texts hold links to pictures."""
    found: list[Path] = []
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            if "/" in item and pictures.link("", item):
                found.append(path)
        elif isinstance(item, dict | list):
            pairs: Iterable[tuple[Any, Any]]
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            waiting += [((*path, step), inner) for step, inner in pairs]
    return found


def _edit(
    document: Mapping[str, Any],
    path: Path,
    treatment: Treatment,
    edits: dict[Path, Any],
    received_at: datetime,
) -> None:
    """Add what a treatment changes: a function of the document as received and nothing else."""
    kind, value = _field_at(path), _at(document, path)
    if treatment is Treatment.ASSUMED:
        edits[path] = _filler(document, path, received_at)
    elif treatment is Treatment.READ and kind is not None:
        edits[path] = _reading(document, path, kind, value)
    elif treatment is Treatment.READ and isinstance(value, str):
        edits[path] = pictures.without_links(value)
    elif treatment is Treatment.SHORTENED and isinstance(value, list):
        limit = getattr(_bare(kind), "limit", 0)
        edits.update({(*path, place): _CUT for place in range(limit, len(value))})
    elif treatment is Treatment.SHORTENED and isinstance(value, str):
        edits[path] = pictures.without_links(value)[: getattr(_bare(kind), "limit", 0)]
    else:
        edits[path] = _CUT


def _reading(document: Mapping[str, Any], path: Path, kind: fields.Field[Any], value: Any) -> Any:
    if isinstance(value, str):
        value = pictures.without_links(value)
    read = readings.read(kind, value)
    if _points_at_people(path, kind):
        each = read if isinstance(read, list) else [read]
        named = [
            _id_of(document, name, slug) for name, slug in zip(_listed(value), each, strict=True)
        ]
        return named if isinstance(read, list) else named[0]
    return read


def _points_at_people(path: Path, kind: fields.Field[Any]) -> bool:
    inner = kind.inner if isinstance(kind, kinds.Many) else kind
    return isinstance(inner, LocalId) and path[-1] != "id"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _id_of(document: Mapping[str, Any], written: Any, slug: Any) -> Any:
    """Return the id of whom a text means: by the id, or by a name that nobody else has."""
    people = [
        (readings.slug(str(person.get("id", ""))), person)
        for group in ("children", "persons_posing_risk", "household")
        for person in _listed(document.get(group, ()))
        if isinstance(person, dict) and person.get("id")
    ]
    if not isinstance(written, str) or slug in {id_ for id_, _ in people}:
        return slug
    wanted = folded(written)
    meant = [id_ for id_, person in people if wanted in _names(person)]
    return meant[0] if len(meant) == 1 else slug


def _names(person: Mapping[str, Any]) -> set[str]:
    given, family = (person.get(name) for name in ("given_name", "family_name"))
    parts = [part for part in (given, family) if isinstance(part, str)]
    names = {folded(" ".join(parts)), folded(given) if isinstance(given, str) else ""}
    return names - {""}


def _is_read(document: Mapping[str, Any], path: Path, kind: fields.Field[Any], value: Any) -> bool:
    """Tell whether a value can be read as something that the field takes."""
    read = _reading(document, path, kind, value)
    if read == value and type(read) is type(value):
        return False
    try:
        return kind.deserialize(read) is not None
    except ValidationError:
        return False


def _is_needed(path: Path, kind: fields.Field[Any] | None, value: Any) -> bool:
    """Tell whether the part around a field cannot be without it."""
    is_member = bool(path) and isinstance(path[-1], str)
    if path in _NEVER_DROPPED:
        return not (says_nothing(value) or says_no(value))
    if not says_nothing(value) and _is_narrowing(path):
        return True
    return is_member and kind is not None and bool(kind.required)


def _is_narrowing(path: Path) -> bool:
    """Tell whether a field says whom something is about."""
    steps = tuple(step for step in path if isinstance(step, str))
    return any(steps[-len(end) :] == end for end in _NARROWING)


def _is_id(path: Path, kind: fields.Field[Any] | None) -> bool:
    return isinstance(kind, LocalId) and path[-1] == "id"


def _filler(document: Mapping[str, Any], path: Path, received_at: datetime) -> Any:
    """Return the cautious value for a field that is needed; ``_GONE`` where there is none."""
    kind = _field_at(path)
    if kind is None:
        return _GONE
    if _is_id(path, kind):
        return _free_id(document, path)
    if _is_narrowing(path):
        return [SOMEBODY] if isinstance(kind, kinds.Many) else SOMEBODY
    if isinstance(kind, Instant):
        ahead = _EMBARGO if path[-1] == "until" else timedelta()
        return (received_at + ahead).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if path[-2:] == ("missing", "status"):
        return _status_of(_at(document, path[:-1]))
    return _filler_of(kind, path, lambda inner: _filler(document, inner, received_at))


def _status_of(missing: Any) -> Any:
    """Return a child's status where only the moment is written when it went or came back."""
    if not isinstance(missing, dict) or not says_nothing(missing.get("status")):
        return _GONE
    if not says_nothing(missing.get("returned_at")):
        return str(MissingStatus.RETURNED)
    return _GONE if says_nothing(missing.get("since")) else str(MissingStatus.MISSING)


def _filler_of(kind: fields.Field[Any], path: Path, filler: Callable[[Path], Any]) -> Any:
    if isinstance(kind, kinds.Text) or path == _TELEPHONE:
        return NOT_GIVEN
    if isinstance(kind, kinds.Code):
        cautious = _CAUTIOUS.get(str(path[-1]))
        spare = next((code for code in ("other", "unknown") if code in kind.codes), _GONE)
        return cautious if cautious in kind.codes else spare
    if isinstance(kind, kinds.One) and (len(path) == 1 or path in _NEVER_DROPPED):
        names = [name for name, inner in kind.schema.load_fields.items() if inner.required]
        names += [_TELEPHONE[-1]] if path == _TELEPHONE[:-1] else []
        return {name: filler((*path, name)) for name in names}
    return _GONE


def _free_id(document: Mapping[str, Any], path: Path) -> str:
    """Return an id that nobody in the document has, made of the place where it stands."""
    *around, place = path[:-1]
    wanted = f"{readings.slug(str(around[-1]))[:20]}-{int(place) + 1}"
    text = json.dumps(document, ensure_ascii=False).lower()
    while f'"{wanted}"' in text:
        wanted = f"{wanted}x"
    return wanted


def _field_at(path: Path) -> fields.Field[Any] | None:
    """Return the kind of field at a path, or None where the schema has none."""
    kind: fields.Field[Any] | None = _ROOT
    for step in path:
        kind = _bare(kind)
        if isinstance(kind, kinds.One) and isinstance(step, str):
            kind = kind.schema.load_fields.get(step)
        elif isinstance(kind, kinds.Many) and isinstance(step, int):
            kind = kind.inner
        else:
            return None
    return kind


def _bare(kind: fields.Field[Any] | None) -> fields.Field[Any] | None:
    return kind.inner if isinstance(kind, kinds.Knowable) else kind


def _target(document: Mapping[str, Any], path: Path) -> Path:
    """Return what to treat: of a field that says why it is not known, or nothing, all of it."""
    for end in range(1, len(path)):
        value = _at(document, path[:end])
        if value == {} and not _is_required(path[:end]):
            return path[:end]
        is_reason = isinstance(value, dict) and "unknown" in value
        if is_reason and isinstance(_field_at(path[:end]), kinds.Knowable):
            return path[:end]
    return path


def _is_required(path: Path) -> bool:
    kind = _field_at(path)
    return kind is None or bool(kind.required) or isinstance(path[-1], int)


def _path(document: Mapping[str, Any], pointer: str) -> Path:
    value: Any = document
    path: Path = ()
    for step in _steps(pointer):
        is_place = isinstance(value, list) and step.isdecimal() and len(step) < 6
        path = (*path, int(step) if is_place else step)
        value = _below(value, path[-1])
    return path


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = _below(document, step)
    return document


def _below(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(str(step), _GONE)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _GONE


def _by_parent(edits: Mapping[Path, Any]) -> dict[Path, list[str | int]]:
    parents: dict[Path, list[str | int]] = {}
    for path in edits:
        parents.setdefault(path[:-1], []).append(path[-1])
    return parents


def _edited(value: Any, edits: Mapping[Path, Any], parents: Mapping[Path, Any], path: Path) -> Any:
    """Return a value with the edits carried out; what is not edited is shared, not copied."""
    if path in edits:
        return edits[path]
    if isinstance(value, dict):
        changed = {
            name: _edited(item, edits, parents, (*path, name)) for name, item in value.items()
        }
        for name in parents.get(path, ()):
            changed[name] = edits[(*path, name)]
        return {name: item for name, item in changed.items() if item is not _CUT}
    if isinstance(value, list):
        items = (_edited(item, edits, parents, (*path, place)) for place, item in enumerate(value))
        return [item for item in items if item is not _CUT]
    return value
