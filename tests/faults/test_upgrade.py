"""An upgrade beside traffic, with old and new processes mixed, and back; `make upgrade-drill`."""

import pytest

from tests.faults.__main__ import summary
from tests.faults.upgrade import DELIVERIES, drill, failures, last_release


@pytest.mark.proof
def test_nothing_is_lost_on_the_way_up_and_back() -> None:
    result, _ = drill(last_release(), DELIVERIES, seed=1, say=print)
    assert failures(result) == [], summary(result)
    assert len(result.ledger.referrals) > 100
