"""Helpers of these tests: every text of a document, and content made from the schemas."""

import re
from collections.abc import Iterator
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from typing import Any

from hypothesis import strategies as st
from marshmallow import fields

from schemas import fields as kinds
from schemas import formats
from schemas.extensions import Extensions
from schemas.loading import Record

HIDDEN = frozenset({"href", "key", "pointers", "id", "kind", "tone"})
"""Members of a document that are no text for people."""
AREAS = ("E06000021", "E10000028", "E06000051")
IDS = ("someone-1", "someone-2", "someone-3", "someone-4")
_SAMPLES: dict[type[Any], tuple[Any, ...]] = {
    formats.Version: ("referral/1",),
    formats.Reference: ("SP/2026/4471",),
    formats.Area: AREAS,
    formats.LocalId: IDS,
    formats.Country: ("PH", "FR"),
    formats.NhsNumber: ("9990001065",),
    formats.Urn: ("900001",),
    formats.Upn: ("A900001012001",),
    formats.Uprn: ("000000000105",),
    formats.Postcode: ("ZZ1 5AE",),
    formats.Email: ("team@example.org",),
    formats.Digest: ("00112233445566778899aabbccddeeff",),
    formats.Tag: ("secrecy", "csam_solicitation"),
    formats.IpAddress: ("203.0.113.80", "2001:db8::1"),
    formats.Day: ("2012-03-15", "1990-11-03", "2027-02-10"),
    formats.Instant: ("2026-12-21T13:00:00Z", "2026-06-01T08:30:00+01:00"),
    Extensions: ({"org.example.tool": {"queue": "Text777777777", "flags": [True, None, 4]}},),
}
"""Values of the kinds of field that have a form."""


def texts(value: Any) -> Iterator[str]:
    """Yield each text of a document that people read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)
    elif is_dataclass(value):
        for member in fields_of(value):
            if member.name not in HIDDEN:
                yield from texts(getattr(value, member.name))


def read(document: Any) -> str:
    """Return all that people read, with single spaces, so that text can be looked for."""
    return re.sub(r"\s+", " ", " | ".join(texts(document)))


def values(field: fields.Field[Any]) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - by kind
    """Make values of a field of the schemas, each text another one."""
    if isinstance(field, kinds.Knowable):
        reasons = st.sampled_from(("not_asked", "refused", "not_yet_known"))
        return st.one_of(values(field.inner), reasons.map(lambda why: {"unknown": why}))
    if isinstance(field, kinds.Many):
        return st.lists(values(field.inner), max_size=2)
    if isinstance(field, kinds.One):
        return objects(field.record)
    if isinstance(field, kinds.Code):
        return st.sampled_from(list(field.codes))
    if isinstance(field, kinds.Flag):
        return st.booleans()
    if isinstance(field, kinds.Whole):
        return st.integers(field.least, min(field.most, 9000))
    if isinstance(field, kinds.Text):
        return st.integers(10**8, 10**9 - 1).map(lambda number: f"Text{number}")
    return st.sampled_from(_SAMPLES[type(field)])


def objects(record: Record[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make objects of a schema: what it needs, and some of what it can have."""
    members = {name: values(field) for name, field in record.load_fields.items()}
    needed = {
        name: members.pop(name) for name, field in record.load_fields.items() if field.required
    }
    return st.fixed_dictionaries(needed, optional=members)


def complete(field: fields.Field[Any], path: str = "") -> Any:  # noqa: PLR0911 - by kind
    """Return a value of a field that has everything which it can have."""
    if isinstance(field, kinds.Knowable):
        return complete(field.inner, path)
    if isinstance(field, kinds.Many):
        return [complete(field.inner, path)]
    if isinstance(field, kinds.One):
        return {
            name: complete(inner, f"{path}.{name}")
            for name, inner in field.record.load_fields.items()
        }
    if isinstance(field, kinds.Code):
        return next(iter(field.codes))
    if isinstance(field, kinds.Flag):
        return True
    if isinstance(field, kinds.Whole):
        return max(field.least, 3)
    return f"Text of {path}" if isinstance(field, kinds.Text) else _SAMPLES[type(field)][0]
