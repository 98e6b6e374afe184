"""Trickle: 50 referrals a second, and how long each takes from the publisher to the queues."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from redis import Redis

from benchmarks import post, world
from benchmarks.ours import CONNECTIONS, Ours, receipts_of
from benchmarks.payload import THREE_AGENCIES, to_three
from benchmarks.post import Answer
from benchmarks.recipients import RECIPIENTS
from benchmarks.results import Figure, times
from benchmarks.rivals.rival import KEY, Rival, delivery_in
from benchmarks.rivals.sharp.stack import Sharp
from benchmarks.rivals.weekend.stack import Weekend
from benchmarks.world import World

PER_SECOND = 50.0
AIM_MILLISECONDS = 20.0


def measure(world_: World) -> Figure:
    """Measure the 99th percentile of all; the medians are in the notes."""
    ours = _ours(world_)
    rivals = {rival.name: _rival(rival, world_) for rival in (Weekend, Sharp)}
    medians = {"ours": ours, **rivals}
    notes: dict[str, object] = {
        f"{name} p50 ms": round(statistics.median(waits), 1) for name, waits in medians.items()
    }
    notes["referrals"] = len(ours)
    aims = {"ours": -AIM_MILLISECONDS}
    theirs = {name: p99(waits) for name, waits in rivals.items()}
    return times(p99(ours), "ms, p99", theirs, notes=notes, aims=aims)


def p99(values: Sequence[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(values, n=100)[98]


def _ours(world_: World) -> list[float]:
    ours = Ours.fresh(world_, "ours_trickle")
    bodies, keys = to_three("TRICKLE", world_.sizes.trickle), ours.publishing()
    with ours.running() as url:
        ours.warm_up(url, keys[0])
        answers = _send(url, "/v1/referrals", bodies, keys)
        ours.until_routed()
    ours.verify_receipts(receipts_of(answers))
    ours.verify_routed(bodies)
    return latencies(ours, dict(zip(bodies, answers, strict=True)))


def latencies(ours: Ours, answers: Mapping[str, Answer]) -> list[float]:
    """Return the milliseconds from each sending to the commit that made it available."""
    available: dict[str, datetime] = dict(
        world.rows(
            ours.dsn,
            "select reference, max(pg_xact_commit_timestamp(delivery.xmin)) from delivery"
            " join referral on referral.id = delivery.referral group by reference",
        )
    )
    return [
        (available[reference].timestamp() - answer.sent_at) * 1000
        for reference, answer in answers.items()
    ]


def _rival(kind: type[Rival], world_: World) -> list[float]:
    rival = kind.fresh(world_, "trickle")
    bodies = to_three("TRICKLE", world_.sizes.trickle)
    with rival.running() as url:
        rival.warm_up(url)
        arrivals = _Arrivals(world_.engines.exchange_url, rival.queues, 3 * len(bodies))
        answers = _send(url, "/referrals", bodies, [KEY] * CONNECTIONS)
        arrived = arrivals.all()
    last: dict[str, float] = {}
    for reference, at in arrived:
        last[reference] = max(at, last.get(reference, 0.0))
    sent = dict(zip(bodies, answers, strict=True))
    if (
        len(arrived) != len(RECIPIENTS[THREE_AGENCIES]) * len(bodies)
        or last.keys() != bodies.keys()
    ):
        raise post.Unexpected("The ids do not add up: the rival's messages are not what was sent.")
    return [(last[reference] - answer.sent_at) * 1000 for reference, answer in sent.items()]


def _send(url: str, path: str, bodies: Mapping[str, bytes], keys: Sequence[str]) -> list[Answer]:
    return post.send_evenly(url, path, list(bodies.values()), keys, per_second=PER_SECOND)


class _Arrivals:
    """Takes messages out of the rival's queues as they come, and notes when."""

    def __init__(self, url: str, queues: Sequence[str], count: int) -> None:
        self._queues, self._count = list(queues), count
        self._found = list[tuple[bytes, float]]()
        self._valkey = Redis.from_url(url)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def all(self) -> list[tuple[str, float]]:
        """Return the reference and the instant of every message."""
        self._thread.join(world.PATIENCE_SECONDS)
        self._valkey.close()
        return [(delivery_in(message)["reference"], at) for message, at in self._found]

    def _run(self) -> None:
        end = time.monotonic() + world.PATIENCE_SECONDS
        while len(self._found) < self._count and time.monotonic() < end:
            if taken := self._valkey.brpop(self._queues, timeout=1):
                self._found.append((cast("bytes", taken[1]), world.now()))
