"""Kombu: from accepted to a copy in each agency's own queue; one worker with two processes."""

from __future__ import annotations

from redis import Redis

from benchmarks import post, world
from benchmarks.ours import Ours, must_be_equal
from benchmarks.payload import to_three
from benchmarks.results import Figure, rates
from benchmarks.rivals.weekend.stack import KEY, Weekend, delivery_in
from benchmarks.rivals.weekend.tasks import AGENCIES
from benchmarks.world import World

QUEUES = tuple(f"agency.{agency}" for agency in AGENCIES)


def measure(world_: World) -> Figure:
    """Measure copies a second, ours and the rival's."""
    return rates(_ours(world_), "copies/s", {"weekend": _weekend(world_)})


def _ours(world_: World) -> float:
    ours = Ours.fresh(world_, "ours_kombu", channel="queue")
    bodies = to_three("KOMBU", world_.sizes.kombu)
    ours.fill(bodies)
    ours.settle()
    url = world_.engines.exchange_url
    with ours.worker():
        seconds = _span(world_, QUEUES, len(bodies))
    with Redis.from_url(url) as valkey:
        found = [delivery_in(copy) for name in QUEUES for copy in valkey.lrange(name, 0, -1)]
    sent = sorted((copy["reference"], copy["agency"]) for copy in found)
    must_be_equal("copies", sent, sorted((ref, who) for ref in bodies for who in AGENCIES))
    ids = {copy["delivery"] for copy in found}
    held = {row[0] for row in world.rows(ours.dsn, "select id::text from delivery")}
    must_be_equal("deliveries", ids, held)
    return seconds


def _weekend(world_: World) -> float:
    rival = Weekend.fresh(world_, "weekend_kombu")
    bodies = to_three("KOMBU", world_.sizes.weekend)
    with rival.web() as url:
        post.send(url, "/referrals", list(bodies.values()), [KEY] * 8)
    with rival.worker():
        rate = _span(world_, tuple(f"weekend.{agency}" for agency in AGENCIES), len(bodies))
    rival.verify(bodies)
    return rate


def _span(world_: World, queues: tuple[str, ...], referrals: int) -> float:
    """Return messages a second from the first fifth in the queues to the last."""
    url, total = world_.engines.exchange_url, referrals * len(AGENCIES)
    world_.until(lambda: world.queue_lengths(url, queues) >= total * 0.2, every=0.005)
    there, begun = world.queue_lengths(url, queues), world.now()
    world_.until(lambda: world.queue_lengths(url, queues) >= total, every=0.005)
    return (total - there) / (world.now() - begun)
