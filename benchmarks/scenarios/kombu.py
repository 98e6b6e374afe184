"""Kombu: from accepted to a copy in each agency's own queue; one worker with two processes."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import world
from benchmarks.ours import Ours, must_be_equal
from benchmarks.payload import THREE_AGENCIES, to_three
from benchmarks.recipients import RECIPIENTS
from benchmarks.results import Figure, rates
from benchmarks.rivals.rival import Rival, copies_in, delivery_in
from benchmarks.rivals.sharp.stack import Sharp
from benchmarks.rivals.weekend.stack import Weekend
from benchmarks.world import World

AGENCIES = RECIPIENTS[THREE_AGENCIES]
QUEUES = tuple(f"agency.{agency}" for agency in AGENCIES)


def measure(world_: World) -> Figure:
    """Measure copies a second, ours and the rivals'."""
    sizes, ours = world_.sizes, _ours(world_)
    rivals = {
        "weekend": _rival(Weekend.fresh(world_, "kombu"), sizes.weekend),
        "sharp": _rival(Sharp.fresh(world_, "kombu"), sizes.sharp),
    }
    return rates(ours, "copies/s", rivals)


def _ours(world_: World) -> float:
    ours = Ours.fresh(world_, "ours_kombu", channel="queue")
    bodies = to_three("KOMBU", world_.sizes.kombu)
    ours.fill(bodies)
    ours.settle()
    with ours.worker():
        seconds = _span(world_, QUEUES, len(bodies))
    copies = [delivery_in(copy) for copy in copies_in(world_, QUEUES)]
    sent = sorted((copy["reference"], copy["agency"]) for copy in copies)
    must_be_equal("copies", sent, sorted((ref, who) for ref in bodies for who in AGENCIES))
    ids = {copy["delivery"] for copy in copies}
    held = {row[0] for row in world.rows(ours.dsn, "select id::text from delivery")}
    must_be_equal("deliveries", ids, held)
    return seconds


def _rival(rival: Rival, count: int) -> float:
    bodies = to_three("KOMBU", count)
    rival.fill(bodies)
    with rival.worker():
        rate = _span(rival.world, rival.queues, len(bodies))
    rival.verify(bodies)
    return rate


def _span(world_: World, queues: Sequence[str], referrals: int) -> float:
    """Return messages a second from the first fifth in the queues to the last."""
    url, total = world_.engines.exchange_url, referrals * len(AGENCIES)
    world_.until(lambda: world.queue_lengths(url, queues) >= total * 0.2, every=0.005)
    there, begun = world.queue_lengths(url, queues), world.now()
    world_.until(lambda: world.queue_lengths(url, queues) >= total, every=0.005)
    return (total - there) / (world.now() - begun)
