"""What is asked of the broker is checked as strictly as a referral."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schemas.requests import (
    AREAS,
    COLLECT,
    LEASES,
    RECEIPTS,
    REROUTE,
    Areas,
    Collect,
    Reroute,
    load,
)

ID = "01977f2e-0000-7000-8000-000000000001"
ACKNOWLEDGED = {"delivery": ID, "stage": "acknowledged", "by": "A. Worker"}
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=2)
        | some.dictionaries(
            some.sampled_from(["max", "wait", "receipts", "leases", "areas", "agency", "_schema"]),
            inner,
        )
    ),
)


def faults(schema, value):
    return [(fault.pointer, fault.code) for fault in load(schema, value).faults]


def test_collecting_has_modest_defaults():
    assert load(COLLECT, {}).value == Collect(max=10, wait=0.0)
    assert load(COLLECT, {"max": 100, "wait": 2.5}).value == Collect(max=100, wait=2.5)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (COLLECT, {"max": 0}, [("/max", "out-of-range")]),
        (COLLECT, {"max": "5"}, [("/max", "wrong-type")]),
        (COLLECT, {"wait": 31}, [("/wait", "out-of-range")]),
        (COLLECT, {"wait": float("nan")}, [("/wait", "out-of-range")]),
        (COLLECT, {"wait": True}, [("/wait", "wrong-type")]),
        (COLLECT, {"maximum": 5}, [("/maximum", "unknown-field")]),
        (COLLECT, [], [("", "wrong-type")]),
        (RECEIPTS, {}, [("/receipts", "required")]),
        (RECEIPTS, {"receipts": []}, [("/receipts", "required")]),
        (RECEIPTS, {"receipts": [ACKNOWLEDGED] * 1001}, [("/receipts", "too-long")]),
        (LEASES, {"leases": [{"delivery": ID}]}, [("/leases/0/lease", "required")]),
        (
            LEASES,
            {"leases": [{"delivery": 7, "lease": "x"}]},
            [("/leases/0/delivery", "wrong-type"), ("/leases/0/lease", "bad-id")],
        ),
        (AREAS, {"areas": {}}, [("/areas", "required")]),
        (
            AREAS,
            {"areas": {"child-1": "Stoke", "Bad Id": "E06000021"}},
            [("/areas/Bad Id", "bad-id"), ("/areas/child-1", "bad-area")],
        ),
        (AREAS, {"areas": {f"c{n}": "E06000021" for n in range(51)}}, [("/areas", "too-long")]),
        (REROUTE, {}, [("", "contradiction")]),
        (REROUTE, {"area": "E06000021", "agency": "stoke-csc"}, [("", "contradiction")]),
        (REROUTE, {"agency": "Stoke CSC"}, [("/agency", "bad-organisation")]),
    ],
)
def test_what_may_not_be_asked_has_its_pointer_and_code(schema, value, expected):
    assert faults(schema, value) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"stage": "decided", "outcome": "advice"}, []),
        ({"stage": "returned", "reason": "wrong_area", "area": "E06000051"}, []),
        ({"stage": "decided"}, [("/receipts/0/outcome", "required")]),
        ({"stage": "returned"}, [("/receipts/0/reason", "required")]),
        ({"outcome": "advice"}, [("/receipts/0/outcome", "contradiction")]),
        ({"stage": "decided", "outcome": "maybe"}, [("/receipts/0/outcome", "unknown-code")]),
        ({"stage": "seen"}, [("/receipts/0/stage", "unknown-code")]),
        ({"by": ""}, [("/receipts/0/by", "required")]),
        ({"lease": "x"}, [("/receipts/0/lease", "bad-id")]),
        ({"delivery": ID.upper()}, []),
    ],
)
def test_a_receipt_fits_its_stage(change, expected):
    assert faults(RECEIPTS, {"receipts": [ACKNOWLEDGED | change]}) == expected


def test_ids_become_uuids_and_the_rest_stays():
    receipt = load(RECEIPTS, {"receipts": [ACKNOWLEDGED | {"note": "Seen."}]}).value.receipts[0]
    assert (receipt.delivery, receipt.note, receipt.outcome) == (UUID(ID), "Seen.", None)


def test_areas_and_reroutes_load():
    assert load(AREAS, {"areas": {"child-1": "E06000021"}}).value == Areas({"child-1": "E06000021"})
    assert load(REROUTE, {"area": "E06000051"}).value == Reroute(area="E06000051")


@given(some.sampled_from([AREAS, COLLECT, LEASES, RECEIPTS, REROUTE]), VALUES)
def test_any_value_is_judged_and_nothing_is_raised(schema, value):
    loaded = load(schema, value)
    assert (loaded.value is None) == bool(loaded.faults)
