"""A clock of a host that is set back locks nobody out."""

from __future__ import annotations

import time

import pytest
from limits import RateLimitItemPerSecond

from broker.gateway.call_rates import CallRates

TWO = RateLimitItemPerSecond(2)


@pytest.mark.parametrize("back", [600.0, 3600.0])
def test_a_busy_caller_is_not_refused_until_the_clock_is_as_late_again(back: float) -> None:
    ahead = back
    rates = CallRates(host=lambda: time.time() + ahead)
    assert rates.hit(TWO, "busy")
    assert rates.hit(TWO, "busy")
    _date_ahead(rates, back)
    assert not rates.hit(TWO, "busy")
    assert not rates.test(TWO, "busy")
    ahead = 0.0
    assert rates.test(TWO, "busy")
    assert rates.hit(TWO, "busy")


def test_a_clock_that_goes_on_lets_nobody_call_more() -> None:
    rates = CallRates(host=lambda: 0.0)
    assert rates.hit(TWO, "busy")
    assert rates.hit(TWO, "busy")
    _date_ahead(rates, 60)
    assert not rates.hit(TWO, "busy")


def _date_ahead(rates: CallRates, seconds: float) -> None:
    """Date the calls so far as a clock that is ahead by so many seconds would have."""
    for entries in rates._storage.events.values():
        for entry in entries:
            entry.atime += seconds
            entry.expiry += seconds
