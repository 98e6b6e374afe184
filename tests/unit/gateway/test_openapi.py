"""The OpenAPI document describes everything, and has lost nothing that it ever had."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.gateway import openapi
from broker.gateway.calls import CALLS

BASELINE = json.loads(Path(__file__).with_name("openapi_baseline.json").read_text(encoding="utf-8"))
"""What the first published version had: calls with their statuses and parameters, and the
properties of every schema with the codes that each may hold."""
OF_POLICY_FILES = {"Policy", "Views", "Directory"}
"""For editors of policy files: no call takes or gives them."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(json.dumps(openapi.document(CALLS)))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def codes(value: Any) -> set[str]:
    """Return every code that a property may hold."""
    if isinstance(value, dict):
        listed = {str(code) for code in value.get("enum", ())}
        return listed.union(*(codes(part) for part in value.values()))
    return set().union(*map(codes, value)) if isinstance(value, list) else set()


def test_every_property_has_a_description(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    silent = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, value in schema.get("properties", {}).items()
        if not value.get("description")
    ]
    assert silent == []
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []


def test_every_call_parameter_answer_and_link_has_a_description(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name
        described = [
            *operation["parameters"],
            *operation["responses"].values(),
            *(link for answer in operation["responses"].values() for link in links(answer)),
            *(
                header
                for answer in operation["responses"].values()
                for header in answer.get("headers", {}).values()
            ),
        ]
        assert all(part["description"] for part in described), name


def links(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return list(answer.get("links", {}).values())


def test_every_operation_id_is_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids)) == len(CALLS)


def test_every_link_leads_to_a_parameter_of_a_call(document: dict[str, Any]) -> None:
    parameters = {
        operation["operationId"]: {
            f"{part['in']}.{part['name']}" for part in operation["parameters"]
        }
        for _, operation in operations(document)
    }
    found = [
        link
        for _, operation in operations(document)
        for answer in operation["responses"].values()
        for link in links(answer)
    ]
    assert len(found) > 10
    for link in found:
        assert set(link["parameters"]) <= parameters[link["operationId"]]


def test_no_call_status_or_parameter_was_lost(document: dict[str, Any]) -> None:
    present = dict(operations(document))
    for name, before in BASELINE["calls"].items():
        operation = present[name]
        parameters = {f"{part['in']} {part['name']}" for part in operation["parameters"]}
        assert set(before["statuses"]) <= set(operation["responses"]), name
        assert set(before["parameters"]) <= parameters, name


def test_no_field_or_code_was_lost(document: dict[str, Any]) -> None:
    present = document["components"]["schemas"]
    for name, fields in BASELINE["schemas"].items():
        properties = present[name].get("properties", {})
        for field, before in fields.items():
            assert set(before) <= codes(properties[field]), f"{name}.{field}"


def test_what_no_call_uses_is_for_policy_files(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    used = references(document["paths"])
    waiting = list(used)
    while waiting:
        fresh = references(schemas[waiting.pop()]) - used
        used |= fresh
        waiting += fresh
    of_policies = set(OF_POLICY_FILES)
    waiting = list(of_policies)
    while waiting:
        fresh = references(schemas[waiting.pop()]) - of_policies
        of_policies |= fresh
        waiting += fresh
    assert set(schemas) - used - of_policies == set()


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].rpartition("/")[2]} if "$ref" in value else set()
        return own.union(*(references(part) for part in value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()
