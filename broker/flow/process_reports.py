"""What only a process itself can see, written to the ledger so that every door can read it.

Each gateway writes its report a few times a minute. It says whether the queue service and the other
sides of channels answer, and how full the disks are that the settings name.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from broker.domain.outage import ProcessReport
from broker.domain.proofs import MonitorState, Ping, SyntheticState, SyntheticTest
from broker.errors import Unavailable
from broker.flow.context import Context
from broker.flow.task_queues import TASK_QUEUES

GATEWAY = "gateway"
EVERY = timedelta(seconds=15)
FRESH = timedelta(minutes=1)
"""How long a report counts."""


def write_report(
    context: Context, part: str, process: str, *, since: datetime | None = None
) -> None:
    """Look at what this process can see, and write it. Raises Unavailable without the ledger.

    ``since`` is when it began to send test referrals and to call the monitor outside, if it does.
    """
    now, settings = context.clock(), context.settings
    seen = {
        "wakeups": context.wakeups.waiting(TASK_QUEUES) is not None,
        "channels": _channels(context),
        "disks": {path: _free(path) for path in settings.disks},
        "proofs": {
            "since": (since or now).isoformat(),
            "test_every": settings.test_referral_every.total_seconds(),
            "monitor": bool(settings.heartbeat_url),
        },
    }
    context.ledger.health.write_report(ProcessReport(process, part, context.clock(), seen))


def _channels(context: Context) -> Mapping[str, bool]:
    """Return whether the other side of each channel answers."""
    answers = {}
    for name, channel in context.push_channels.items():
        try:
            channel.check()
        except Unavailable:
            answers[name] = False
        else:
            answers[name] = True
    return answers


def _free(path: str) -> float | None:
    """Return the free share of the disk of a folder; None where it cannot be read."""
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return None
    return usage.free / usage.total if usage.total else None


def merged(reports: list[ProcessReport]) -> dict[str, Any]:
    """Return the worst of what the processes have seen; None for what no gateway has seen."""
    seen = [report.seen for report in reports if report.part == GATEWAY]
    return {
        "gateways": len(seen),
        "wakeups": _worst([report.get("wakeups") for report in seen]) if seen else None,
        "channels": _worst_of_each(seen, "channels", _worst),
        "disks": _worst_of_each(seen, "disks", _least),
    }


def proofs(
    reports: list[ProcessReport], test: SyntheticTest | None, ping: Ping | None
) -> dict[str, Any]:
    """Return the signals of test referrals and of the monitor outside; None where nobody knows.

    ``test`` and ``ping`` are the latest that the ledger has.
    """
    seen = [report.seen.get("proofs") for report in reports if report.part == GATEWAY]
    if not seen or None in seen:
        return {"test_referrals": None, "outside_monitor": None}
    since = min(datetime.fromisoformat(proof["since"]) for proof in seen if proof)
    every = max(proof["test_every"] for proof in seen if proof)
    is_set = any(proof["monitor"] for proof in seen if proof)
    return {
        "test_referrals": SyntheticState(every, since, test),
        "outside_monitor": MonitorState(is_set, since, ping),
    }


def _worst_of_each(
    seen: list[Mapping[str, Any]], name: str, worst: Callable[[list[Any]], Any]
) -> Mapping[str, Any] | None:
    """Return the worst by name; None where a process has not said, or none has."""
    if not seen or any(name not in report for report in seen):
        return None
    names = sorted({key for report in seen for key in report[name]})
    return {
        key: worst([report[name][key] for report in seen if key in report[name]]) for key in names
    }


def _worst(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _least(shares: list[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return None if len(known) < len(shares) else min(known, default=None)
