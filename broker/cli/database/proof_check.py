"""Part of ``broker doctor``: whether test referrals come through and a monitor outside answers."""

from __future__ import annotations

from datetime import datetime

from broker.cli.database.findings import Failed, Warned
from broker.domain.health import Signals
from broker.flow.health_watch import health_of
from broker.ledger.ledger import Ledger
from broker.policy.time.duration_words import seconds_words
from broker.policy.time.moments import moment

CODES = frozenset({"synthetic", "outside_monitor"})


def look_at_proofs(ledger: Ledger, now: datetime) -> str:
    """Return what proves that the broker works while nothing happens.

    Raises Failed where a proof is asked for and missing, and Warned where none can be had.
    """
    health = health_of(ledger, now=now)
    if missing := [problem for problem in health.problems if problem.code in CODES]:
        raise Failed(missing[0].sentence, missing[0].next_step)
    signals = health.signals
    if signals.test_referrals is None or signals.outside_monitor is None:
        raise Warned("not known: no gateway has reported for a minute", "start a gateway")
    return f"{_tests(signals, now)}; {_monitor(signals, now)}"


def _tests(signals: Signals, now: datetime) -> str:
    tests = signals.test_referrals
    if tests is None or not tests.every:
        return "no test referrals are sent (BROKER_TEST_REFERRAL_MINUTES)"
    latest = tests.latest
    if latest is None or latest.through_at is None:
        return "no test referral has come through yet"
    at, took = moment(latest.through_at, now), seconds_words(latest.seconds or 0.0)
    return f"a test referral came through {at}, in {took}"


def _monitor(signals: Signals, now: datetime) -> str:
    monitor = signals.outside_monitor
    if monitor is None or not monitor.is_set:
        return "no monitor outside is called (BROKER_HEARTBEAT_URL)"
    if monitor.latest is None or monitor.latest.answered_at is None:
        return "the monitor outside has not answered yet"
    return f"the monitor outside answered {moment(monitor.latest.answered_at, now)}"
