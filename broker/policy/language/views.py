"""Views as they are written: which fields of a referral an agency may see, and no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from broker.policy.language.yaml_nodes import Node
from schemas.export import json_schema
from schemas.extensions import is_namespace
from schemas.handling import Handling
from schemas.names import name_of
from schemas.referral import HARMED, Referral

_HANDLING = name_of(Referral, lambda referral: referral.handling)
_NOT_TO = name_of(Handling, lambda handling: handling.do_not_disclose_to)
"""Shown by every view, whatever it lists: who must not be told is for everybody who is told."""
_PERSONS = name_of(Referral, lambda referral: referral.persons_posing_risk)
_EXTENSIONS = name_of(Referral, lambda referral: referral.extensions)
Tree = Mapping[str, "Tree"]
"""The fields that are shown, by name; an empty tree shows all below."""


@dataclass(frozen=True, slots=True)
class View:
    """An allow-list of fields."""

    name: str
    sentence: str
    shows: Tree
    place: str
    voice_if_shared: bool = False
    """Whether it shows a child's voice to a recipient that ``voice.share_with`` names."""
    adults_at_risk_only: bool = False
    """Whether it shows nobody of the household but the adults at risk."""

    @property
    def in_words(self) -> tuple[str, ...]:
        """Each part that it shows with its fields, as people read it."""
        return tuple(
            f"{_words(part)}: {', '.join(_leaves(fields)) if fields else 'all'}"
            for part, fields in self.shows.items()
        )


def _leaves(tree: Tree, above: str = "") -> list[str]:
    """Return the fields of a tree in words, a field within another after it."""
    return [
        leaf
        for name, below in tree.items()
        for leaf in (
            _leaves(below, f"{above}{_words(name)} ") if below else [f"{above}{_words(name)}"]
        )
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def read_views(root: Node) -> dict[str, View]:
    """Read the views document; what is wrong is added to the node's faults."""
    sections = root.fields(("views",))
    entries = sections["views"].entries() if "views" in sections else []
    return {name: _view(name, node) for name, node in entries}


def _view(name: str, node: Node) -> View:
    fields = node.fields(("sentence", "shows"), ("voice", "household"))
    tree: dict[str, Any] = {}
    for section, written in fields["shows"].entries() if "shows" in fields else ():
        _section(section, written, tree)
    if _HANDLING not in tree:
        node.fault("missing", "Every view shows how to handle it: add 'handling'.")
    if tree.get(_HANDLING):
        tree[_HANDLING].setdefault(_NOT_TO, {})
    if "voice" in fields:
        fields["voice"].choice(("if_shared",), "way to show a voice")
    if "household" in fields:
        fields["household"].choice(("adults_at_risk",), "way to show a household")
    sentence = fields["sentence"].text() if "sentence" in fields else ""
    return View(name, sentence, tree, node.place, "voice" in fields, "household" in fields)


def _section(section: str, written: Node, tree: dict[str, Any]) -> None:
    """Read one part of the document: ``all`` of it, or the fields that are listed."""
    if not _is_known((section,)):
        written.fault("unknown-name", f"A referral has no part {section!r}.")
        return
    tree[section] = {}
    if section == _EXTENSIONS:
        _namespaces(written, tree[section])
        return
    if not isinstance(written.node.value, list):
        written.choice(("all",), "way to show a part; list its fields, or write 'all'")
        return
    for item in written.items():
        _field(section, item, tree[section])


def _namespaces(written: Node, shown: dict[str, Any]) -> None:
    """Read which extensions are shown: each by its namespace, and never all."""
    for item in written.items():
        namespace = item.text()
        if is_namespace(namespace):
            shown[namespace] = {}
        else:
            item.fault("unknown-name", f"{namespace!r} is no namespace of an extension.")


def _field(section: str, item: Node, shown: dict[str, Any]) -> None:
    path = item.text().split(".")
    if not _is_known((section, *path)):
        item.fault("unknown-name", f"A referral has no field {section}.{'.'.join(path)}.")
        return
    for name in path:
        shown = shown.setdefault(name, {})


@cache
def _is_known(path: tuple[str, ...]) -> bool:
    """Tell whether the referral's schema has a field."""
    schema = _referral()
    definitions = schema.get("$defs", {})
    first = _PERSONS if path[0] == HARMED else path[0]
    schemas = [schema]
    for name in (first, *path[1:]):
        schemas = [
            below
            for above in schemas
            for part in _parts(above, definitions)
            if (below := part.get("properties", {}).get(name)) is not None
        ]
    return bool(schemas)


@cache
def _referral() -> dict[str, Any]:
    return json_schema("referral")


def _parts(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schemas that a value may follow: by reference, as an item, or one of several."""
    parts = [schema]
    if "$ref" in schema:
        parts += _parts(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "items" in schema:
        parts += _parts(schema["items"], definitions)
    for name in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(name, ()):
            parts += _parts(option, definitions)
    return parts
