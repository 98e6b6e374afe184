"""The parts of the broker for the duty page: what works, by what proof, and what does not.

What does not work is said by the one rule that says whether all is well. A part counts as working
only where each of its signals is known and that rule has nothing against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from broker.dashboard.wording import TONES
from broker.domain.health import Health
from broker.domain.monitoring import Proof
from broker.flow.lane_beats import FOR
from broker.policy.time.duration_words import duration, how_many, seconds_words
from broker.policy.time.moments import moment


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the broker, as a page shows it."""

    tone: str
    """``good``, ``warn``, ``bad`` or ``stopped``."""
    title: str
    detail: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    title: str
    signals: tuple[str, ...]
    codes: tuple[str, ...]
    """The problems that are about this part."""
    proof: Callable[[Health, Proof, datetime], str]
    href: str = ""


def _routing(health: Health, proof: Proof, now: datetime) -> str:
    if proof.last_routed_at is None:
        return f"{_workers(health)}. No referral was sent on in the last 24 hours."
    slowest = proof.slowest.total_seconds() if proof.slowest is not None else None
    return (
        f"Last referral sent on {moment(proof.last_routed_at, now)}. The slowest of the last 24 "
        f"hours took {duration(slowest)}."
    )


def _watched(health: Health, _: Proof, now: datetime) -> str:
    until = (health.signals.beats or {}).get("watch")
    if until is None:
        return ""
    seconds = FOR.total_seconds()
    return f"A worker has looked within the last {seconds:.0f} seconds." if until > now else ""


def _alerts(_: Health, proof: Proof, now: datetime) -> str:
    if proof.last_notice_at is None:
        return "No alert has been sent yet."
    return (
        f"{how_many(proof.notices_sent, 'alert')} sent in the last 24 hours, the last "
        f"{moment(proof.last_notice_at, now)}."
    )


def _intake(_: Health, proof: Proof, now: datetime) -> str:
    if proof.last_accepted_at is None:
        return "No referral has come in yet."
    return f"Last one accepted {moment(proof.last_accepted_at, now)}."


def _engines(health: Health, _: Proof, now: datetime) -> str:
    del now
    disks = health.signals.disks or {}
    free = [share for share in disks.values() if share is not None]
    room = f" The fullest disk has {min(free):.0%} free." if free else ""
    return f"Each has answered within the last minute.{room}"


def _clocks(health: Health, _: Proof, now: datetime) -> str:
    del now
    apart = max(0.1, health.signals.clock_difference or 0.0)
    return f"All processes agree within {ceil(apart * 10) / 10:.1f} seconds."


def _silence(health: Health, _: Proof, now: datetime) -> str:
    del health, now
    return "No alarm about silence is open."


def _workers(health: Health) -> str:
    return f"{how_many(health.signals.workers or 0, 'worker')} running"


def _test_referrals(health: Health, _: Proof, now: datetime) -> str:
    tests = health.signals.test_referrals
    latest = tests.latest if tests else None
    if tests is None or latest is None or latest.through_at is None:
        return "None has come through yet."
    return (
        f"One is sent every {duration(tests.every)}. The last came through "
        f"{moment(latest.through_at, now)}, in {seconds_words(latest.seconds or 0.0)}."
    )


def _outside(health: Health, _: Proof, now: datetime) -> str:
    monitor = health.signals.outside_monitor
    latest = monitor.latest if monitor else None
    if latest is None or latest.answered_at is None:
        return "It has not answered yet."
    return f"It is called each minute and last answered {moment(latest.answered_at, now)}."


_RULES = (
    _Rule(
        "Referrals can be sent in",
        ("ledger", "gateways"),
        ("ledger", "no_gateway", "feeds", "quarantine"),
        _intake,
    ),
    _Rule(
        "Referrals are sent on",
        ("beats", "workers", "unrouted", "unrouted_seconds"),
        ("no_worker", "no_sweep", "unrouted"),
        _routing,
    ),
    _Rule("Deadlines are watched", ("beats", "workers"), ("no_watch",), _watched),
    _Rule(
        "Alerts are sent",
        ("beats", "notices_failed", "notices_deferred"),
        ("no_notify", "notices_failed", "notices_deferred"),
        _alerts,
        "/ops/notices",
    ),
    _Rule(
        "Nobody is silent", ("beats", "silent"), ("no_silence", "silent"), _silence, "/ops/silent"
    ),
    _Rule(
        "Database, queue service and channels work",
        ("ledger", "channels", "wakeups", "disks"),
        ("channel", "wakeups", "disk"),
        _engines,
    ),
    _Rule(
        "Clocks agree", ("clocks_apart", "clock_difference"), ("clocks_apart", "clocks"), _clocks
    ),
)
_PROOFS = (
    _Rule("Test referrals come through", ("test_referrals",), ("synthetic",), _test_referrals),
    _Rule(
        "A monitor outside sees that the broker works",
        ("outside_monitor",),
        ("outside_monitor",),
        _outside,
    ),
)
"""What is claimed only where the settings ask for it."""
WORK = frozenset({"late", "tasks_overdue", "unroutable", "undeliverable", "soon"})
"""Problems that are work for people and no fault of a part of the broker."""
SHOWN = frozenset(code for rule in (*_RULES, *_PROOFS) for code in rule.codes) | {"unknown"}
"""Problems that the parts show."""


def parts_of(health: Health, proof: Proof, now: datetime) -> list[Part]:
    """Return the parts, those that do not work first."""
    return _worst_first([_part(rule, health, proof, now) for rule in _RULES])


def proofs_of(health: Health, proof: Proof, now: datetime) -> list[Part]:
    """Return what proves that the broker works while nothing happens: what is set, worst first."""
    tests, monitor = health.signals.test_referrals, health.signals.outside_monitor
    is_set = (tests is None or tests.every > 0, monitor is None or monitor.is_set)
    return _worst_first(
        [
            _part(rule, health, proof, now)
            for rule, is_shown in zip(_PROOFS, is_set, strict=True)
            if is_shown
        ]
    )


def _worst_first(parts: list[Part]) -> list[Part]:
    order = ("stopped", "bad", "warn", "good")
    return sorted(parts, key=lambda part: order.index(part.tone))


def _part(rule: _Rule, health: Health, proof: Proof, now: datetime) -> Part:
    wrong = [problem for problem in health.problems if problem.code in rule.codes]
    if wrong:
        rest = " ".join(problem.sentence for problem in wrong[1:])
        return Part(TONES[wrong[0].level], wrong[0].sentence, rest, rule.href)
    stopped = next((problem for problem in health.problems if problem.code == "no_worker"), None)
    if stopped and "beats" in rule.signals:
        return Part("stopped", f"Not working: {rule.title.lower()}", "No worker runs.", rule.href)
    if any(getattr(health.signals, name) is None for name in rule.signals):
        return Part("stopped", f"Not known: {rule.title.lower()}", "Nobody has measured it.")
    return Part("good", rule.title, rule.proof(health, proof, now), rule.href)
