"""The short way through a document, held against the schemas that it is written from."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from marshmallow import ValidationError

from schemas import compiled, links
from schemas.child import ChildSchema
from schemas.formats import Surroundings, surroundings
from schemas.handling import Embargo, TimesSchema
from schemas.links import SOMEBODY
from schemas.referral import REFERRAL

SAMPLES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[3] / "samples").glob("*.json"))
}
TEXTS = {name: json.dumps(document) for name, document in SAMPLES.items()}
AREAS = frozenset({"E10000028", "E06000021", "E06000051", "S12000049", "GB", "IE"})
TODAY = Surroundings(date(2026, 12, 28), AREAS)
ANY_DAY = Surroundings(date.max, None)
MUTATIONS = 1000
GONE = object()
ODD: list[Any] = [
    *(None, 0, 1, 99, -1, 1.5, True, False, [], [1], [None], {}, {"surprise": 1}),
    *("", " ", "\t\n", "x", "x" * 61, "x" * 201, "x" * 4001, "x" * 20_001, "child-1", "No such"),
    *("E10000028", " e06000021 ", "E99999999", "gb", "2026-12-18", "2026-12-29", "2027-10-25"),
    *("1899-12-31", "2101-01-01", "2026-02-30", "2026-12-18T16:50:00Z", "2026-12-18T16:50:00"),
    *("2026-12-29T23:59:59Z", "2026-12-30T00:00:00Z", "2026-12-18T16:50:00+01:00"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-12-18t16:50:00Z", "a\n"),
    *({"unknown": "refused"}, {"unknown": "why"}, {"unknown": "refused", "more": 1}),
    *({"unknown": None}, {"unknown": []}, ["a"] * 201, ["E"], "943 476 5919", "9434765918"),
]


@pytest.fixture(params=[TODAY, ANY_DAY], ids=["today", "any day"])
def around(request: pytest.FixtureRequest) -> Iterator[Surroundings]:
    token = surroundings.set(request.param)
    yield request.param
    surroundings.reset(token)


def judged(schema: Any, value: Any) -> Any:
    """Return what the schema loads, or None where it refuses the value."""
    try:
        return schema.load(value)
    except ValidationError:
        return None


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a document with each of its keys."""
    keys: Any = list(value) if isinstance(value, dict) else range(len(value))
    inner = [value[key] for key in keys if isinstance(value[key], dict | list)]
    return [(value, key) for key in keys] + [place for item in inner for place in places(item)]


def fresh(name: str) -> Any:
    """Return a copy of a sample; from its text, because that takes a tenth of the time."""
    return json.loads(TEXTS[name])


def spoil(document: Any, dice: Random, real: list[Any]) -> None:
    """Change one place of a document: leave it out, or write something odd or real there."""
    container, key = dice.choice(places(document))
    value = dice.choice([GONE, dice.choice(ODD), dice.choice(real)])
    if value is GONE:
        del container[key]
    else:
        container[key] = copy.deepcopy(value)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_the_schema_takes_the_short_way_takes_alike(name: str, around: Surroundings) -> None:
    expected = judged(REFERRAL, SAMPLES[name])
    assert compiled.read(REFERRAL, SAMPLES[name], around) == expected
    assert around is TODAY or (expected is None) == (name == "case-13-invalid")


def test_spoilt_documents_are_judged_alike(around: Surroundings) -> None:
    dice, counts = Random(11), Counter[bool]()
    real = [part[key] for document in SAMPLES.values() for part, key in places(document)]
    for number in range(MUTATIONS):
        document = fresh("full" if number % 2 else dice.choice(list(SAMPLES)))
        for _ in range(dice.choice((1, 1, 2, 4))):
            spoil(document, dice, real)
        expected = judged(REFERRAL, document)
        assert compiled.read(REFERRAL, document, around) == expected
        counts[expected is None] += 1
    assert counts[True] > MUTATIONS / 10 < counts[False]


def test_ids_are_judged_alike_by_the_objects_and_by_the_document() -> None:
    dice, counts = Random(13), Counter[bool]()
    ids = ["child-1", "child-2", "child-3", "mother", "suspect-1", "nobody", SOMEBODY]
    where = {"id", "child", "children", "lives_with", "belongs_to", "about"}
    for _ in range(MUTATIONS):
        document = fresh("full" if dice.random() < 0.8 else dice.choice(list(SAMPLES)))
        for item in (document["concern"], *document.get("action_taken", ())):
            if dice.random() < 0.1:
                item["about"] = [dice.choice(ids)]
        at = [place for place in places(document) if place[1] in where]
        for container, key in dice.sample(at, dice.choice((0, 0, 1, 2))):
            id_ = dice.choice(ids)
            container[key] = [id_] if isinstance(container[key], list) else id_
        referral = compiled.read(REFERRAL, document, ANY_DAY)
        if referral is not None:
            assert referral.is_linked == (not links.check(document))
            counts[referral.is_linked] += 1
    assert counts[True] > MUTATIONS / 10 < counts[False]


@pytest.mark.parametrize("name", SAMPLES)
def test_each_id_of_nobody_is_seen_in_the_objects(name: str) -> None:
    for container, key in places(SAMPLES[name]):
        if key not in {"child", "children", "lives_with", "belongs_to", "about"}:
            continue
        written = container[key]
        container[key] = "nobody" if isinstance(written, str) else ["nobody"]
        referral = compiled.read(REFERRAL, SAMPLES[name], ANY_DAY)
        assert referral is None or referral.is_linked == (not links.check(SAMPLES[name]))
        container[key] = written


@pytest.mark.thorough
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_every_field_judges_odd_values_alike(value: Any, around: Surroundings) -> None:
    for container, key in places(SAMPLES["full"]):
        written = container[key]
        container[key] = value
        try:
            expected = judged(REFERRAL, SAMPLES["full"])
            assert compiled.read(REFERRAL, SAMPLES["full"], around) == expected, key
        finally:
            container[key] = written


def test_absent_fields_get_the_defaults_of_their_objects() -> None:
    child = compiled.read(ChildSchema(), {"id": "child-1"}, ANY_DAY)
    assert child is not None
    assert (child.aliases, child.voice, child.lives_with) == ((), None, ())


def test_instants_are_in_utc() -> None:
    times = compiled.read(TimesSchema(), {"first_known_at": "2026-07-01T00:30:00+01:00"}, TODAY)
    assert times is not None
    assert times.first_known_at == datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert times.first_known_at.tzinfo is UTC


def test_what_a_rule_over_several_fields_forbids_is_left_to_the_schema() -> None:
    voice = {"id": "child-1", "voice": {"said": "“No.”", "not_asked": "Asleep."}}
    assert compiled.read(ChildSchema(), voice, ANY_DAY) is None


def test_objects_are_those_of_the_schema() -> None:
    referral = compiled.read(REFERRAL, SAMPLES["case-07-embargo"], ANY_DAY)
    assert referral is not None
    assert isinstance(referral.handling.embargo, Embargo)
