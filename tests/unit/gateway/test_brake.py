"""Answers that cost their callers nothing go to each at an even pace."""

import pytest

from broker.gateway import bounds
from broker.gateway.brake import Brake


def test_the_worth_of_a_second_goes_at_once_and_the_rest_at_an_even_pace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("broker.gateway.brake.monotonic", lambda: now[0])
    brake = Brake()
    delays = [brake._delay("192.0.2.7", 10) for _ in range(100)]
    assert max(delays[:10]) < 1e-9
    assert delays[10:13] == pytest.approx([0.1, 0.2, 0.3])
    assert max(delays) <= bounds.LATE_SECONDS
    assert brake._delay("192.0.2.8", 10) <= 0
    now[0] += bounds.LATE_SECONDS + 1
    assert brake._delay("192.0.2.7", 10) <= 0
