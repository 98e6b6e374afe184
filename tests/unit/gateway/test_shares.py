"""What one key may have of a gateway at once."""

from contextlib import ExitStack

import pytest

from broker.errors import Throttled
from broker.gateway import bounds
from broker.gateway.shares import Shares

MEGABYTE = 1024 * 1024


def test_one_key_has_so_many_calls_under_way_and_others_theirs() -> None:
    shares = Shares()
    with ExitStack() as stack:
        for _ in range(bounds.CALLS_EACH):
            stack.enter_context(shares.call("greedy"))
        with pytest.raises(Throttled), shares.call("greedy"):
            pass
        with shares.call("other"):
            pass
    with shares.call("greedy"):
        pass


def test_calls_that_wait_leave_place_for_calls_that_do_not() -> None:
    shares = Shares()
    with ExitStack() as stack:
        for _ in range(bounds.WAITS_EACH):
            shares.check_wait("agency")
            stack.enter_context(shares.call("agency"))
            stack.enter_context(shares.wait("agency"))
        with pytest.raises(Throttled):
            shares.check_wait("agency")
        shares.check_wait("other")
        with shares.call("agency"):
            pass
    shares.check_wait("agency")


def test_large_bodies_of_one_key_have_a_bound_and_leave_others_theirs() -> None:
    shares = Shares()
    with ExitStack() as stack:
        calls = [stack.enter_context(shares.call("greedy")) for _ in range(3)]
        for call in calls[:2]:
            shares.take_body(call, 30 * MEGABYTE)
        with pytest.raises(Throttled):
            shares.take_body(calls[2], 30 * MEGABYTE)
        other = stack.enter_context(shares.call("other"))
        shares.take_body(other, 30 * MEGABYTE)


def test_nobody_may_have_more_in_memory_than_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BODY_BYTES_A_SECOND", 1e15)
    shares = Shares()
    with ExitStack() as stack:
        taken = 0
        for number in range(20):
            call = stack.enter_context(shares.call(f"key {number}"))
            try:
                while True:
                    shares.take_body(call, MEGABYTE)
                    taken += MEGABYTE
            except Throttled:
                continue
        assert bounds.BODY_BYTES / 2 < taken <= bounds.BODY_BYTES
    with shares.call("another") as call:
        shares.take_body(call, bounds.BODY_BYTES_EACH)


def test_large_bodies_come_so_fast_and_the_answer_says_when_to_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("broker.gateway.shares.monotonic", lambda: now[0])
    shares = Shares()
    for _ in range(2):
        with shares.call("greedy") as call:
            shares.take_body(call, 32 * MEGABYTE)
    with pytest.raises(Throttled) as refused, shares.call("greedy") as call:
        shares.take_body(call, 32 * MEGABYTE)
    assert refused.value.retry_after.total_seconds() == 2
    now[0] += 2
    with shares.call("greedy") as call:
        shares.take_body(call, 32 * MEGABYTE)


def test_bulks_of_one_key_have_a_bound() -> None:
    shares = Shares()
    with ExitStack() as stack:
        call = stack.enter_context(shares.call("greedy"))
        for _ in range(bounds.BULKS_EACH):
            stack.enter_context(shares.bulk(call))
        with pytest.raises(Throttled), shares.bulk(call):
            pass
    with shares.call("greedy") as call, shares.bulk(call):
        pass


def test_bulks_and_calls_that_wait_are_no_calls_that_other_bulks_step_back_for() -> None:
    shares = Shares()
    with shares.call("waits") as waiting, shares.call("sends") as sending:
        assert not shares.turns.is_alone("bulk")
        with shares.bulk(sending):
            assert not shares.turns.is_alone("bulk")
            with shares.wait(waiting.key):
                assert shares.turns.is_alone("waits")
    with ExitStack() as stack:
        calls = [stack.enter_context(shares.call("sends")) for _ in range(bounds.BULKS_EACH + 1)]
        for call in calls[1:]:
            stack.enter_context(shares.bulk(call))
        with pytest.raises(Throttled), shares.bulk(calls[0]):
            pass
    assert shares.turns.is_alone("waits")
