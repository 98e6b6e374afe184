"""A sample that is moved to the present keeps everything but its times."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from broker.devstack.rebase_times import rebase
from broker.devstack.sample_referrals import shipped
from schemas import referral

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
INVALID = {"case-13-invalid", "case-14-picture"}


def test_instants_and_dates_move_together_and_words_stay() -> None:
    sample = {
        "times": {
            "first_known_at": "2026-12-18T06:00:00+00:00",
            "submitted_at": "2026-12-18T12:00:00+00:00",
        },
        "children": [{"date_of_birth": "2017-01-05"}],
        "handling": {"embargo": {"until": "2026-12-20T12:00:00Z"}},
        "concern": {"summary": "On 2026-12-18T10:00:00Z it began."},
    }
    moved = rebase(sample, now=NOW)
    assert moved["times"]["submitted_at"] == "2026-03-02T12:00:00+00:00"
    assert moved["times"]["first_known_at"] == "2026-03-02T06:00:00+00:00"
    assert moved["handling"]["embargo"]["until"] == "2026-03-04T12:00:00+00:00"
    assert moved["children"] == [{"date_of_birth": "2016-03-20"}]
    assert moved["concern"] == sample["concern"]


@pytest.mark.parametrize("name", [name for name, _ in shipped() if name not in INVALID])
def test_every_sample_that_is_valid_in_its_case_is_valid_at_present(name: str) -> None:
    moved = rebase(dict(shipped())[name], now=NOW)
    assert referral.load(moved, today=NOW.date()).faults == []
