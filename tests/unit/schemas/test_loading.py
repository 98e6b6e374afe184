"""Our short way through a load, held against marshmallow's own."""

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from schemas.handling import ReferrerSchema
from schemas.referral import REFERRAL
from schemas.requests import NewReceiptSchema, RerouteSchema

SAMPLES = sorted((Path(__file__).parent.parent.parent.parent / "samples").glob("*.json"))
WRONG: list[Any] = [None, 1, 1.5, True, "", " ", "x" * 300, [], [1], {}, {"surprise": 1}]
MUTATIONS = 150


def by_marshmallow(schema: Schema, value: Any) -> Any:
    try:
        return Schema.load(schema, value)
    except ValidationError as error:
        return error.messages


def by_ours(schema: Any, value: Any) -> Any:
    try:
        loaded = schema.load(value)
    except ValidationError as error:
        return error.messages
    return {name: getattr(loaded, name) for name in by_marshmallow(schema, value)}


def sorted_messages(found: Any) -> Any:
    if isinstance(found, dict):
        return {str(name): sorted_messages(inner) for name, inner in found.items()}
    return sorted(map(str, found)) if isinstance(found, list) else found


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a document with each of its keys."""
    if isinstance(value, dict):
        keys: Any = list(value)
    elif isinstance(value, list):
        keys = range(len(value))
    else:
        return []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_load_alike(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert sorted_messages(by_ours(REFERRAL, document)) == sorted_messages(
        by_marshmallow(REFERRAL, document)
    )


def test_spoilt_documents_are_judged_alike() -> None:
    dice = Random(7)
    full = json.loads((SAMPLES[-1].parent / "full.json").read_text(encoding="utf-8"))
    refused = 0
    for _ in range(MUTATIONS):
        document = copy.deepcopy(full)
        for _ in range(3):
            container, key = dice.choice(places(document))
            container[key] = copy.deepcopy(dice.choice(WRONG))
        ours = by_ours(REFERRAL, document)
        assert sorted_messages(ours) == sorted_messages(by_marshmallow(REFERRAL, document))
        refused += not isinstance(ours.get("schema"), str)
    assert refused > MUTATIONS / 2


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (NewReceiptSchema(), {"stage": "decided", "by": "", "delivery": 1}),
        (NewReceiptSchema(), {"stage": "collected", "reason": "duplicate", "outcome": "other"}),
        (RerouteSchema(), {}),
        (RerouteSchema(), {"agency": "stoke-csc", "area": "E10000028", "extra": 1}),
        (ReferrerSchema(), {"name": "A"}),
        (ReferrerSchema(), []),
        (ReferrerSchema(), "x"),
        (ReferrerSchema(), None),
    ],
)
def test_rules_over_several_fields_are_judged_alike(schema: Any, value: Any) -> None:
    assert sorted_messages(by_ours(schema, value)) == sorted_messages(by_marshmallow(schema, value))
