"""The field guide of the referral, made from its schema, a sample and the policy's views."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.channels.registry import CHANNELS
from broker.policy.language.views import Tree, View
from broker.policy.published.policy import documents_from, load
from schemas import export
from schemas.fields import ENUM_DESCRIPTIONS
from schemas.names import name_of
from schemas.referral import HARMED, Referral

ROOT = Path(__file__).parents[2]
Json = Mapping[str, Any]
FieldPath = tuple[str, ...]
"""The names of the fields down to one, without the places in lists."""

_REFERRAL = "Referral"
_PERSONS = name_of(Referral, lambda referral: referral.persons_posing_risk)
_ENVELOPE = {
    "schema": "nobody; it tells the broker how to read the document",
    "reference": "every agency that gets a part of the referral, beside that part",
    "extensions": "nobody, unless a view names the namespace",
}
"""The fields of which the shipped views do not decide who sees them."""
_LIMITS = (
    ("maxLength", "at most {:,} characters"),
    ("maxItems", "at most {:,} items"),
    ("minimum", "from {:,}"),
    ("maximum", "to {:,}"),
)
_NOT_BLANK = r"\S"
_INTRODUCTION = """\
# Field guide of the referral

Every field of `referral/1`: what it means, what it holds, an example, and who sees it. This page is
made from the schemas and from the policy in `policies/england`, so it cannot differ from them.

- **Unknown is a value.** Where a field "may be unknown", write `{"unknown": "not_yet_known"}`
  (or `not_asked`, `refused`) instead of a value. Leave the field out if nobody considered it.
- **Who sees it** names the views of the shipped policy. Within a view an agency sees only the
  children and persons that it is responsible for.
- A person under 18 among `persons_posing_risk` is shown as a child alleged to have harmed, and only
  to the agencies that are named so.
- The examples are invented and come from `samples/full.json`.

"""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the referral: where it stands, what it holds and who sees it."""

    path: FieldPath
    name: str
    """The path as people write it: ``children[].school.urn``."""
    meaning: str
    kind: str
    required: bool
    codes: Mapping[str, str]
    example: str | None
    seen_by: str


def fields() -> list[Field]:
    """Return every field of the referral, each part's own fields below it."""
    components = export.components()
    views = load(
        documents_from(ROOT / "policies" / "england"), version="docs", channels=CHANNELS.forms
    ).views
    sample = json.loads((ROOT / "samples" / "full.json").read_text(encoding="utf-8"))
    return [
        _field(path, name, schema, required=required, views=views, sample=sample)
        for path, name, schema, required in _walk(_REFERRAL, components, (), "")
    ]


def page() -> str:
    """Return the guide as Markdown, one section for each part of the referral."""
    lines = [_INTRODUCTION]
    for field in fields():
        level = "##" if len(field.path) == 1 else "###"
        lines.append(f"({anchor(field.path)})=\n\n{level} `{field.name}`\n\n{_entry(field)}\n")
    return "\n".join(lines)


def anchor(path: FieldPath) -> str:
    """Return the name by which other pages link to a field."""
    return "field-" + "-".join(path).replace("_", "-")


def _entry(field: Field) -> str:
    facts = [f"{'required' if field.required else 'optional'}: {field.kind}"]
    if field.example is not None:
        facts.append(f"for example `{field.example}`")
    facts.append(f"seen by {field.seen_by}")
    listed = "".join(f"- {fact}\n" for fact in facts)
    return f"{field.meaning}\n\n{listed}{_codes(field.codes)}"


def _codes(codes: Mapping[str, str]) -> str:
    """Return the table of a closed list, or nothing."""
    rows = "".join(f"| `{code}` | {label} |\n" for code, label in codes.items())
    return f"\n| code | meaning |\n|---|---|\n{rows}" if rows else ""


def _walk(
    component: str, components: Json, path: FieldPath, prefix: str
) -> Iterator[tuple[FieldPath, str, Json, bool]]:
    """Go through the properties of a component and of everything below it."""
    schema = components[component]
    required = schema.get("required", ())
    for name, prop in schema["properties"].items():
        shown = f"{prefix}{name}{'[]' if _item(prop) else ''}"
        yield (*path, name), shown, prop, name in required
        below = _component(prop)
        if below is not None:
            yield from _walk(below, components, (*path, name), f"{shown}.")


def _field(
    path: FieldPath,
    name: str,
    schema: Json,
    *,
    required: bool,
    views: Mapping[str, View],
    sample: Json,
) -> Field:
    return Field(
        path=path,
        name=name,
        meaning=schema.get("description", ""),
        kind=_kind(schema),
        required=required,
        codes=_value(schema).get(ENUM_DESCRIPTIONS, {}),
        example=None if _component(schema) else _example(path, sample),
        seen_by=_ENVELOPE.get(path[0]) or seen_by(path, views),
    )


def _options(schema: Json) -> list[Json]:
    return [option for option in schema.get("anyOf", (schema,)) if not _is_unknown(option)]


def _is_unknown(schema: Json) -> bool:
    return str(schema.get("$ref", "")).endswith("/Unknown")


def _item(schema: Json) -> Json | None:
    """Return the schema of a list's items, or None when it is no list."""
    return next((option["items"] for option in _options(schema) if "items" in option), None)


def _value(schema: Json) -> Json:
    """Return what a field holds, or each of its items."""
    item = _item(schema)
    return _options(schema)[0] if item is None else item


def _component(schema: Json) -> str | None:
    reference = _value(schema).get("$ref")
    return reference.rpartition("/")[2] if reference else None


def _kind(schema: Json) -> str:
    """Return a field's type and bounds in words."""
    value = _value(schema)
    noun = _noun(value)
    words = [f"list of {noun}s" if _item(schema) is not None else noun]
    bounds = {**value, **_options(schema)[0]}
    words += [text.format(bounds[name]) for name, text in _LIMITS if name in bounds]
    if noun == "text" and value.get("pattern", _NOT_BLANK) != _NOT_BLANK:
        words.append(f"form `{value['pattern']}`")
    if "anyOf" in schema:
        words.append("may be unknown")
    return ", ".join(words)


def _noun(value: Json) -> str:
    if "$ref" in value:
        return "object"
    if "enum" in value:
        return "code"
    return {"date": "day", "date-time": "date and time with offset"}.get(
        value.get("format", ""),
        {
            "string": "text",
            "boolean": "true or false",
            "integer": "whole number",
            "object": "object by name",
        }[value["type"]],
    )


def _example(path: FieldPath, sample: Json) -> str | None:
    """Return the sample's first value at a path as JSON, a known one before why it is not known."""
    values: list[Any] = [sample]
    for name in path:
        values = [
            value[name]
            for holder in values
            for value in (holder if isinstance(holder, list) else [holder])
            if isinstance(value, dict) and name in value
        ]
    items = [item for value in values for item in (value if isinstance(value, list) else [value])]
    shown = [item for item in items if not isinstance(item, dict)]
    shown += [item for item in items if isinstance(item, dict) and "unknown" in item]
    return json.dumps(shown[0], ensure_ascii=False) if shown else None


def seen_by(path: FieldPath, views: Mapping[str, View]) -> str:
    """Return who sees a field, by the names of the views."""
    names = [name for name, view in views.items() if _shows(view.shows, path)]
    harmed = (HARMED, *path[1:])
    as_child = [name for name, view in views.items() if _shows(view.shows, harmed)]
    if not names and not as_child:
        return "nobody"
    sentence = "every view" if len(names) == len(views) else _list(names)
    if path[0] == _PERSONS and as_child:
        sentence += f"; of a person under 18: {_list(as_child)}"
    return sentence


def _shows(tree: Tree, path: FieldPath) -> bool:
    """Tell whether a view shows a field, or anything below it."""
    for name in path:
        if name not in tree:
            return False
        tree = tree[name]
        if not tree:
            return True
    return True


def _list(names: Sequence[str]) -> str:
    return ", ".join(name.replace("-", " ") for name in names)
