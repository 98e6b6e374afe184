"""What is not well, worst first: the one place that says whether a broker works.

The sentence, the colour, the title and the icon of the pages, ``broker top``, ``attention`` and
``check health``, the answer of the API and the metric ``broker_health`` all come from ``judge``.
A figure that is not known is not well. A new signal is unknown until somebody measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime, timedelta

from broker.domain.codes import HealthLevel
from broker.domain.health import Health, Problem, Signals
from broker.domain.proofs import SyntheticStep, SyntheticTest
from broker.policy.time.duration_words import duration, how_many
from broker.policy.time.moments import moment

LANES: Mapping[str, tuple[HealthLevel, str]] = {
    "sweep": (HealthLevel.STOPPED, "no referral is sent on, and what was lost is not found again"),
    "watch": (HealthLevel.STOPPED, "no deadline is watched, so nobody is alerted when one passes"),
    "notify": (HealthLevel.STOPPED, "no alert is sent to anybody"),
    "silence": (HealthLevel.FAILING, "nobody looks for organisations that have gone silent"),
}
"""The lanes of the services, how bad it is when nobody works in one, and what it means."""
VITAL_LANES = tuple(lane for lane, (level, _) in LANES.items() if level is HealthLevel.STOPPED)
"""Those without which the broker has stopped."""
LANE_GRACE = timedelta(seconds=10)
"""How long nobody may work in a lane: another worker takes it over meanwhile."""
LONGEST_BEAT = timedelta(minutes=5)
"""A beat that counts for longer comes from a clock that is ahead: nobody can tell who works."""
LONGEST_UNROUTED = 60.0
"""In seconds."""
LARGEST_CLOCK_DIFFERENCE = 2.0
"""In seconds."""
LONGEST_FEED_LAG = 60.0
"""In seconds."""
LEAST_FREE = 0.1
"""The share of a disk that must be free."""
TESTS_MISSED = 3
"""So many intervals may pass without a test referral that came through."""
LONGEST_UNANSWERED = 300.0
"""In seconds: how long the monitor outside, called each minute, may give no good answer."""
NAMES: Mapping[str, str] = {
    "ledger": "whether the database responds",
    "beats": "whether deadlines are watched and alerts sent",
    "workers": "whether a worker runs",
    "gateways": "whether a gateway runs",
    "clocks_apart": "whether every process works by the right time",
    "clock_difference": "whether the clocks agree",
    "unrouted": "how many referrals wait to be sent on",
    "unrouted_seconds": "how long referrals have waited to be sent on",
    "notices_failed": "whether alerts failed",
    "notices_deferred": "whether alerts wait",
    "channels": "whether agencies’ queues respond",
    "wakeups": "whether the queue service responds",
    "quarantine": "whether a restore waits to be confirmed",
    "feed_lag": "whether publishers’ feeds are up to date",
    "disks": "whether the disks have room",
    "test_referrals": "whether test referrals come through",
    "outside_monitor": "whether the monitor outside answers",
    "late": "what is late",
    "tasks_overdue": "which tasks are late",
    "unroutable": "what has no owner",
    "undeliverable": "what cannot be delivered",
    "silent": "who is silent",
    "soon": "what is due soon",
    "open": "what is open",
}
"""How people read which signal is not known."""
TEST_STEPS: Mapping[SyntheticStep, str] = {
    SyntheticStep.READ: "The last one could not be read",
    SyntheticStep.ACCEPT: "The last one was not accepted",
    SyntheticStep.ROUTE: "The last one was not sent on",
    SyntheticStep.COLLECT: "The last one could not be collected",
    SyntheticStep.ACKNOWLEDGE: "The last one could not be acknowledged",
}
"""Where a test referral stopped, as a sentence without its end."""
START = "Start a worker: `broker worker`. If none can be started, telephone your on-call engineer."
CALL = "Telephone the agencies, then take each escalation on."
SYNCHRONISE = "Synchronise the clocks of all machines (NTP); `broker doctor` names them."
_CHECKS: list[Callable[[Signals], Iterator[Problem]]] = []


def judge(signals: Signals) -> Health:
    """Return what is not well, worst first; what is equally bad in the order of the checks."""
    problems = [problem for check in _CHECKS for problem in check(signals)]
    return Health(signals, sorted(problems, key=lambda problem: -problem.level))


def missing_lanes(signals: Signals) -> list[str]:
    """Return the lanes that nobody works in."""
    until = signals.beats or {}
    return [
        lane
        for lane in LANES
        if lane in until and ((end := until[lane]) is None or signals.at - end > LANE_GRACE)
    ]


def somebody_works(health: Health) -> bool | None:
    """Tell whether the work of every lane that must not stop is done; None when nobody knows."""
    if health.level is HealthLevel.STOPPED:
        return False if health.signals.ledger else None
    signals = health.signals
    known = signals.ledger and signals.workers is not None and signals.beats is not None
    return None if not known or _unseen(signals) else True


def _check(
    check: Callable[[Signals], Iterator[Problem]],
) -> Callable[[Signals], Iterator[Problem]]:
    _CHECKS.append(check)
    return check


@_check
def _ledger(signals: Signals) -> Iterator[Problem]:
    if signals.ledger is False:
        yield Problem(
            "ledger",
            HealthLevel.STOPPED,
            "The broker cannot use its database. Nothing can be accepted, sent on or watched.",
            "Start PostgreSQL, or run `broker doctor`.",
        )


@_check
def _services(signals: Signals) -> Iterator[Problem]:
    missing = missing_lanes(signals)
    if signals.workers == 0 or set(missing) == set(LANES):
        yield Problem(
            "no_worker",
            HealthLevel.STOPPED,
            f"No worker has run {_since(_last(signals), signals.at)}. Referrals are "
            "accepted and kept, but none is sent on, no deadline is watched and no alert is sent"
            f"{_waiting(signals)}.",
            START,
        )
        return
    for lane in missing:
        level, meaning = LANES[lane]
        until = (signals.beats or {})[lane]
        yield Problem(
            f"no_{lane}",
            level,
            f"Nobody has done the work of ‘{lane}’ {_since(until, signals.at)}: {meaning}.",
            START,
        )


@_check
def _gateways(signals: Signals) -> Iterator[Problem]:
    if signals.gateways == 0:
        yield Problem(
            "no_gateway",
            HealthLevel.STOPPED,
            "No gateway has reported for a minute: nothing can be sent in, collected or answered.",
            "Start a gateway: `broker serve`.",
        )


@_check
def _unknown(signals: Signals) -> Iterator[Problem]:
    """Name what is not known, unless the reason is said already."""
    if signals.ledger is False:
        return
    names = [NAMES[field.name] for field in fields(signals) if getattr(signals, field.name) is None]
    names += [f"whether the disk of {path} has room" for path in _unread(signals)]
    names += [f"whether the channel ‘{name}’ responds" for name in _unasked(signals)]
    names += [f"whether anybody does the work of ‘{lane}’" for lane in _unseen(signals)]
    if names:
        yield Problem(
            "unknown",
            HealthLevel.UNKNOWN,
            f"We cannot tell {_listed(names)}.",
            "Run `broker doctor` where the broker runs.",
            len(names),
        )


@_check
def _clocks(signals: Signals) -> Iterator[Problem]:
    if count := signals.clocks_apart:
        yield Problem(
            "clocks_apart",
            HealthLevel.FAILING,
            f"{how_many(count, 'process', 'processes')} neither leading nor accepting, because "
            "of a wrong clock.",
            SYNCHRONISE,
            count,
        )
    apart = signals.clock_difference or 0.0
    if not apart <= LARGEST_CLOCK_DIFFERENCE:
        yield Problem(
            "clocks",
            HealthLevel.ATTENTION,
            f"The clocks of the broker’s machines are {apart:.1f} s apart.",
            SYNCHRONISE,
        )


@_check
def _unrouted(signals: Signals) -> Iterator[Problem]:
    """A wait below zero comes from a clock that is ahead, and may hide one of any length."""
    seconds = signals.unrouted_seconds or 0.0
    if not -LARGEST_CLOCK_DIFFERENCE <= seconds <= LONGEST_UNROUTED:
        yield Problem(
            "unrouted",
            HealthLevel.FAILING,
            f"{how_many(signals.unrouted or 1, 'referral')} not sent on to any agency yet, the "
            f"oldest for {duration(seconds)}.",
            "Read the workers’ log; start more with `broker worker`.",
            signals.unrouted or 1,
        )


@_check
def _notices(signals: Signals) -> Iterator[Problem]:
    if count := signals.notices_failed:
        yield Problem(
            "notices_failed",
            HealthLevel.FAILING,
            f"{how_many(count, 'alert')} could not be sent within the last day.",
            "Telephone the people instead: `broker notices list --state failed`.",
            count,
        )
    if count := signals.notices_deferred:
        yield Problem(
            "notices_deferred",
            HealthLevel.ATTENTION,
            f"{how_many(count, 'alert')} could not be sent yet. We try again.",
            "See why: `broker notices list --state due`.",
            count,
        )


@_check
def _engines(signals: Signals) -> Iterator[Problem]:
    for name, answers in (signals.channels or {}).items():
        if answers is False:
            yield Problem(
                "channel",
                HealthLevel.FAILING,
                f"The channel ‘{name}’ is not responding. No delivery reaches an agency by it "
                "until it does.",
                "Run `broker doctor` where the broker runs: it names the settings.",
            )
    if signals.wakeups is False:
        yield Problem(
            "wakeups",
            HealthLevel.ATTENTION,
            "The queue service is not responding. Referrals still move, up to 2 seconds slower.",
            "Start the Valkey for wake-ups, or correct BROKER_WAKEUP_URL.",
        )


@_check
def _restore(signals: Signals) -> Iterator[Problem]:
    if signals.quarantine:
        yield Problem(
            "quarantine",
            HealthLevel.FAILING,
            "The database was restored. Older referrals are kept back until a person confirms it.",
            "`broker restore status`, then docs/backup-and-restore.md.",
        )


@_check
def _feeds(signals: Signals) -> Iterator[Problem]:
    lag = signals.feed_lag or 0.0
    if not lag <= LONGEST_FEED_LAG:
        yield Problem(
            "feeds",
            HealthLevel.FAILING,
            f"Publishers’ feeds are {duration(lag)} behind.",
            "The sweep numbers events: read the workers’ log, then `broker doctor`.",
        )


@_check
def _disks(signals: Signals) -> Iterator[Problem]:
    for path, free in (signals.disks or {}).items():
        if free is not None and not free >= LEAST_FREE:
            yield Problem(
                "disk",
                HealthLevel.FAILING,
                f"The disk of {path} is {1 - free:.0%} full.",
                "Make room: a full disk stops the broker.",
            )


@_check
def _test_referrals(signals: Signals) -> Iterator[Problem]:
    tests = signals.test_referrals
    if tests is None or not tests.every:
        return
    latest = tests.latest
    through_at = latest.through_at if latest else None
    last = max(tests.since, through_at) if through_at else tests.since
    seconds = (signals.at - last).total_seconds()
    if -LARGEST_CLOCK_DIFFERENCE <= seconds <= TESTS_MISSED * tests.every:
        return
    yield Problem(
        "synthetic",
        HealthLevel.FAILING,
        f"No test referral has come through {_since(through_at, signals.at)}. {_stopped(latest)}.",
        "Read the workers’ log: real referrals may stop at the same step.",
    )


def _stopped(test: SyntheticTest | None) -> str:
    """Return where a test referral stopped, as a sentence without its end."""
    if test is None or (test.ended_at and test.step is None):
        return "No gateway has begun one" if test is None else "No gateway has begun another one"
    return TEST_STEPS[test.step] if test.step else "No worker finished the last one"


@_check
def _outside(signals: Signals) -> Iterator[Problem]:
    monitor = signals.outside_monitor
    if monitor is None or not monitor.is_set:
        return
    answered_at = monitor.latest.answered_at if monitor.latest else None
    last = max(monitor.since, answered_at) if answered_at else monitor.since
    seconds = (signals.at - last).total_seconds()
    if -LARGEST_CLOCK_DIFFERENCE <= seconds <= LONGEST_UNANSWERED:
        return
    yield Problem(
        "outside_monitor",
        HealthLevel.ATTENTION,
        f"The monitor outside has not answered {_since(answered_at, signals.at)}. Nobody outside "
        "would notice if the broker stopped.",
        "Check BROKER_HEARTBEAT_URL and the monitor; the gateway’s log has its answers.",
    )


@_check
def _work(signals: Signals) -> Iterator[Problem]:
    if count := signals.late:
        yield Problem("late", HealthLevel.LATE, f"{count:,} late.", CALL, count)
    if count := signals.tasks_overdue:
        sentence = f"{how_many(count, 'task')} for ops not settled in time."
        yield Problem("tasks_overdue", HealthLevel.LATE, sentence, "`broker tasks list`", count)
    if count := signals.unroutable:
        sentence = f"{how_many(count, 'referral')} without an owner."
        yield Problem("unroutable", HealthLevel.ATTENTION, sentence, "`broker attention`", count)
    if count := signals.undeliverable:
        sentence = f"{how_many(count, 'delivery', 'deliveries')} cannot be made."
        yield Problem("undeliverable", HealthLevel.ATTENTION, sentence, "`broker dead list`", count)
    if count := signals.silent:
        sentence = f"{how_many(count, 'organisation')} silent for too long."
        yield Problem("silent", HealthLevel.ATTENTION, sentence, "`broker attention`", count)
    if count := signals.soon:
        sentence = f"{count:,} due in the next 15 minutes."
        yield Problem(
            "soon", HealthLevel.SOON, sentence, "See what is at risk: `broker top`.", count
        )


def _waiting(signals: Signals) -> str:
    return f". {how_many(signals.unrouted, 'referral')} waiting" if signals.unrouted else ""


def _last(signals: Signals) -> datetime | None:
    """Return when a lane was last worked in."""
    return max((until for until in (signals.beats or {}).values() if until), default=None)


def _since(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "yet"
    return f"since {moment(at, now).removeprefix('today ')}"


def _unread(signals: Signals) -> list[str]:
    return [path for path, free in (signals.disks or {}).items() if free is None]


def _unasked(signals: Signals) -> list[str]:
    return [name for name, answers in (signals.channels or {}).items() if answers is None]


def _unseen(signals: Signals) -> list[str]:
    """Return the lanes that nobody looked at, or whose last beat is in the future."""
    if signals.beats is None:
        return []
    latest = signals.at + LONGEST_BEAT
    return [
        lane
        for lane in LANES
        if lane not in signals.beats or (signals.beats[lane] or signals.at) > latest
    ]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
