"""Whom a correction names or places otherwise than before, and what it is refused for."""

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from broker.errors import Fault
from broker.flow.correct import _faults, _moved
from schemas import documents
from schemas.referral import CheckedReferral
from schemas.tolerance import reload
from tests.acceptance.conftest import sample

Document = dict[str, Any]
SIBLINGS = sample(3)
WREN, SORREL = SIBLINGS["children"]


def moved(change: Callable[[Document], object], before: Document = SIBLINGS) -> list[str]:
    """Return who is moved by a change to the document of two siblings."""
    document = copy.deepcopy(before)
    change(document)
    after = CheckedReferral(reload(document), [], [])
    return _moved(after, orjson.dumps(before))


def child(**fields: Any) -> Callable[[Document], object]:
    return lambda document: document["children"][1].update(fields)


BORN = WREN["date_of_birth"]


@pytest.mark.parametrize(
    ("fields", "is_moved"),
    [
        ({}, False),
        ({"area": "E10000028"}, True),
        ({"gender": "other"}, False),
        ({"given_name": "Another"}, False),
        ({"date_of_birth": BORN}, False),
        ({"given_name": "Another", "date_of_birth": BORN}, True),
        ({"family_name": "Another", "date_of_birth": BORN}, True),
        ({"given_name": "Another", "date_of_birth": None}, True),
        ({"date_of_birth": None}, False),
    ],
)
def test_somebody_is_moved_who_is_elsewhere_or_is_somebody_else(
    fields: dict[str, Any], *, is_moved: bool
) -> None:
    assert moved(child(**fields)) == ([SORREL["id"]] if is_moved else [])


def test_whose_birth_is_not_known_before_or_after_is_somebody_else_by_the_name() -> None:
    before = copy.deepcopy(SIBLINGS)
    del before["children"][1]["date_of_birth"]
    assert moved(child(given_name="Another"), before) == [SORREL["id"]]


def test_who_is_named_first_in_the_correction_is_not_moved() -> None:
    assert moved(lambda document: document["children"].pop()) == []
    assert moved(child(id="another")) == []


def test_all_kinds_of_people_are_compared() -> None:
    change = {"given_name": "Another"}
    assert moved(lambda document: document["household"][0].update(change)) == [
        SIBLINGS["household"][0]["id"]
    ]
    suspect = sample(5)
    (person,) = suspect["persons_posing_risk"]
    assert moved(
        lambda document: document["persons_posing_risk"][0].update(area="E06000021"), suspect
    ) == [person["id"]]


@pytest.mark.parametrize("before", [None, b"", b"no JSON", b"{}"])
def test_where_the_version_before_cannot_be_read_nobody_is_moved(before: bytes | None) -> None:
    assert _moved(CheckedReferral(reload(SIBLINGS), [], []), before) == []


def test_of_what_is_no_referral_nobody_is_moved() -> None:
    assert _moved(CheckedReferral(None, [], []), orjson.dumps(SIBLINGS)) == []


FAULT = Fault("/grade", "unknown-grade", "There is no such grade.")


@pytest.mark.parametrize(
    ("is_referral", "strict", "codes"),
    [
        (True, False, []),
        (True, True, ["unknown-grade"]),
        (False, False, ["unknown-grade"]),
        (False, True, ["unknown-grade"]),
    ],
)
def test_a_fault_that_costs_its_field_refuses_what_is_strict_alone(
    is_referral: bool, strict: bool, codes: list[str]
) -> None:
    checked = CheckedReferral(reload(SIBLINGS) if is_referral else None, [FAULT], [])
    document = documents.read(orjson.dumps(SIBLINGS))
    faults = _faults(checked, document, SIBLINGS["reference"], strict=strict)
    assert [fault.code for fault in faults] == codes


def test_a_correction_has_the_reference_of_what_it_corrects() -> None:
    checked = CheckedReferral(reload(SIBLINGS), [], [])
    document = documents.read(orjson.dumps(SIBLINGS))
    (fault,) = _faults(checked, document, "another", strict=False)
    assert (fault.pointer, fault.code) == ("/reference", "other-reference")
