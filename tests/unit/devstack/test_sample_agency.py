"""The sample agencies answer everything, in order and together."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from referral_broker_client import Answer, Unavailable

from broker.devstack import sample_agency
from broker.devstack.sample_agency import RETURNING, DutyWorkers, plan_for


def test_a_plan_depends_on_the_delivery_alone() -> None:
    assert plan_for("d1", "stoke-csc") == plan_for("d1", "stoke-csc")
    plans = [plan_for(f"d{number}", RETURNING) for number in range(200)]
    assert all(plan.acknowledge_after < plan.answer_after < 5 for plan in plans)
    assert any(plan.reason for plan in plans)
    assert all((plan.reason is None) != (plan.outcome is None) for plan in plans)


def test_each_delivery_is_acknowledged_and_then_answered_also_after_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sample_agency, "PAUSE_SECONDS", 0.05)
    sent: list[Answer] = []
    done = threading.Event()
    calls = 0

    def send(*answers: Answer) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Unavailable("unavailable")
        sent.extend(answers)
        if len(sent) == 4:
            done.set()

    duty_workers = DutyWorkers("stoke-csc", send)
    thread = threading.Thread(target=duty_workers.run)
    thread.start()
    duty_workers.assign("d1")
    duty_workers.assign("d2")
    assert done.wait(15)
    duty_workers.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert stages(sent, "d1") == stages(sent, "d2") == ["acknowledged", "decided"]


def stages(sent: Sequence[Answer], delivery: str) -> Sequence[str]:
    return sorted(answer.stage for answer in sent if answer.delivery == delivery)
