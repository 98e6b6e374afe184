"""Bulk and single: from the first byte sent until everything is available to its agencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks import post, world
from benchmarks.ours import (
    BULK_CONNECTIONS,
    BULK_LINES,
    CONNECTIONS,
    Ours,
    bulk_receipts_of,
    receipts_of,
)
from benchmarks.payload import rotated
from benchmarks.post import Answer
from benchmarks.results import Figure, rates
from benchmarks.rivals import floor
from benchmarks.rivals.rival import KEY, Rival
from benchmarks.rivals.sharp.stack import Sharp
from benchmarks.rivals.weekend.stack import Weekend
from benchmarks.world import World

Send = Callable[[str, Mapping[str, bytes], Sequence[str]], list[Answer]]
Read = Callable[[Sequence[Answer]], dict[str, str]]


def bulk(world_: World) -> Figure:
    """Measure bulk publishing; the rivals, who have none, take single ones."""
    ours = Ours.fresh(world_, "ours_bulk")
    rate = bulk_rate(ours, world_.sizes.bulk)
    rivals = {**_rivals(world_, "bulk"), "copy": _floor(ours)}
    return rates(rate, "referrals/s", rivals, aims={"weekend": 18})


def single(world_: World) -> Figure:
    """Measure single publishing over 16 connections."""
    ours = Ours.fresh(world_, "ours_single")
    rate = single_rate(ours, world_.sizes.single)
    rivals = {**_rivals(world_, "single"), "copy": _floor(ours)}
    return rates(rate, "referrals/s", rivals, aims={"weekend": 9})


def bulk_rate(ours: Ours, count: int, prefix: str = "BULK") -> float:
    """Return referrals a second from the first call until the last is available."""
    return _rate(ours, rotated(prefix, count), _send_bulk, bulk_receipts_of)


def single_rate(ours: Ours, count: int, prefix: str = "SINGLE") -> float:
    """Return referrals a second from the first call until the last is available."""
    return _rate(ours, rotated(prefix, count), _send_single, receipts_of)


def _rate(ours: Ours, bodies: Mapping[str, bytes], send: Send, read: Read) -> float:
    keys = ours.publishing()
    with ours.running() as url:
        ours.warm_up(url, keys[0])
        answers = send(url, bodies, keys)
        ours.until_routed()
    seconds = world.last_commit(ours.dsn, "delivery") - min(answer.sent_at for answer in answers)
    ours.verify_receipts(read(answers))
    ours.verify_routed(bodies)
    return len(bodies) / seconds


def _send_bulk(url: str, bodies: Mapping[str, bytes], keys: Sequence[str]) -> list[Answer]:
    calls = list(post.chunks(bodies, BULK_LINES))
    return post.send(url, "/v1/referrals/bulk", calls, keys[:BULK_CONNECTIONS], post.NDJSON)


def _send_single(url: str, bodies: Mapping[str, bytes], keys: Sequence[str]) -> list[Answer]:
    return post.send(url, "/v1/referrals", list(bodies.values()), keys)


def _rivals(world_: World, scenario: str) -> dict[str, float]:
    return {
        "weekend": rival_rate(Weekend.fresh(world_, scenario), world_.sizes.weekend),
        "sharp": rival_rate(Sharp.fresh(world_, scenario), world_.sizes.sharp),
    }


def rival_rate(rival: Rival, count: int) -> float:
    """Return a rival's referrals a second from the first call until the last message is there."""
    bodies = rotated("SINGLE", count)
    with rival.running() as url:
        rival.warm_up(url)
        answers = post.send(url, "/referrals", list(bodies.values()), [KEY] * CONNECTIONS)
        rival.until_sent(bodies)
        seconds = world.now() - min(answer.sent_at for answer in answers)
    rival.verify(bodies)
    return len(bodies) / seconds


def _floor(ours: Ours) -> float:
    return floor.measure(ours.dsn, Ours.fresh(ours.world, "floor").dsn)
