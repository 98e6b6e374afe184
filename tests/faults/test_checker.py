"""The checker can fail: rows that are wrong on purpose, without a campaign."""

import pytest

from tests.faults import checker
from tests.faults.journal import Journal
from tests.faults.witness import Ledger

DELIVERY = {
    "id": "one",
    "referral": "a",
    "agency": "stoke-csc",
    "state": "collected",
    "acknowledge_by": 1000.0,
    "decide_by": None,
    "acknowledged_at": None,
    "decided_at": None,
    "age": 60.0,
}


def complaints(times: int, **changes: object) -> list[str]:
    breached = {
        "kind": "delivery.breached",
        "delivery": "one",
        "data": {"milestone": "acknowledge"},
    }
    ledger = Ledger([], [DELIVERY | changes], [], [breached] * times, [], [])
    return list(checker.no_silent_breach(checker._Evidence(Journal(), ledger)))


@pytest.mark.parametrize(
    ("times", "changes", "complaint"),
    [
        (1, {}, None),
        (0, {}, "nobody was told"),
        (2, {}, "was told 2 times"),
        (0, {"age": 10.0}, None),
        (0, {"state": "returned"}, None),
        (0, {"acknowledged_at": 900.0}, None),
        (1, {"acknowledged_at": 900.0}, "kept its deadline"),
        (1, {"acknowledged_at": 1100.0}, None),
    ],
)
def test_a_deadline_that_passes_is_told_once(
    times: int, changes: dict[str, object], complaint: str | None
) -> None:
    found = complaints(times, **changes)
    assert len(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]
