"""A few minutes under a snapshot that nobody ends: claims and feeds stay as quick as they were."""

import pytest

from tests.faults.soak import growth, run

MINUTES = 4


@pytest.mark.proof
def test_a_snapshot_that_is_held_slows_neither_claims_nor_feeds() -> None:
    assert not run(MINUTES, holds_snapshot=True, say=print)


@pytest.mark.parametrize(
    ("name", "values", "grew"),
    [
        ("memory of worker-1", [300, 120, 121, 122, 121, 120, 122, 121], False),
        ("memory of worker-1", [100, 120, 121, 130, 140, 150, 160, 170], True),
        ("files of gateway-1", [30, 30, 31, 30, 30, 31, 30, 31], False),
        ("files of gateway-1", [30, 30, 31, 34, 38, 42, 46, 50], True),
        ("dead rows of delivery", [0, 10, 9_000, 20, 8_000, 10, 9_000, 10], False),
        ("dead rows of delivery", [0, 10, 9_000, 20_000, 30_000, 40_000, 50_000, 60_000], True),
        ("collect", [9, 9, 9, 9, 9, 400, 9, 9], False),
        ("collect", [9, 9, 9, 9, 80, 90, 200, 300], True),
    ],
)
def test_what_grows_is_told_from_what_varies(name: str, values: list[float], grew: bool) -> None:
    findings = list(growth([{name: value} for value in values]))
    assert bool(findings) is grew


def test_a_held_snapshot_may_leave_dead_rows_and_nothing_else() -> None:
    samples = [{"dead rows of delivery": 40_000.0 * n, "collect": 9.0} for n in range(8)]
    assert list(growth(samples))
    assert not list(growth(samples, may_bloat=True))
