"""Route for queues: from accepted to a copy in each agency's own queue, the same for everybody.

``route`` counts a referral of ours when its rows are committed, for agencies that collect; a
rival's when its messages are there as well. Here both have sent the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks import world
from benchmarks.ours import Ours, must_be_equal
from benchmarks.payload import rotated
from benchmarks.results import Figure, rates
from benchmarks.rivals.rival import Rival, copies_in, delivery_in, messages_of
from benchmarks.rivals.sharp.stack import Sharp
from benchmarks.rivals.weekend.stack import Weekend
from benchmarks.world import World

_WAITS = """
select exists (select from referral where next_attempt_at is not null)
    or exists (select from delivery where state = 'available' or sendings = 0 and state = 'leased')
"""
_SENT = "select id::text from delivery where sendings > 0"


def measure(world_: World) -> Figure:
    """Measure referrals a second, ours and the rivals'."""
    sizes = world_.sizes
    ours = rate(Ours.fresh(world_, "ours_route_queue", channel="queue"), sizes.route)
    rivals = {
        "weekend": rival_rate(Weekend.fresh(world_, "route_queue"), sizes.weekend),
        "sharp": rival_rate(Sharp.fresh(world_, "route_queue"), sizes.sharp),
    }
    return rates(ours, "referrals/s", rivals)


def rate(ours: Ours, count: int, prefix: str = "QUEUE") -> float:
    """Return how many referrals a worker routes and sends a second."""
    bodies = rotated(prefix, count)
    ours.fill(bodies)
    ours.settle()
    # At night a team out of hours has what the office has by day: any agency may get one.
    agencies = world.rows(ours.dsn, "select code from organisation")
    queues = [f"agency.{agency}" for (agency,) in agencies]
    with ours.worker():
        is_done = lambda: not world.rows(ours.dsn, _WAITS)[0][0]  # noqa: E731 - it is given away
        result = _rate(ours.world, queues, bodies, is_done)
    ours.verify_routed(bodies)
    copies = {delivery_in(copy)["delivery"] for copy in copies_in(ours.world, queues)}
    must_be_equal("copies", copies, {row[0] for row in world.rows(ours.dsn, _SENT)})
    return result


def rival_rate(rival: Rival, count: int) -> float:
    """Return how many referrals a rival's worker routes and sends a second."""
    bodies = rotated("QUEUE", count)
    rival.fill(bodies)
    url, count = rival.world.engines.exchange_url, len(messages_of(bodies))
    with rival.worker():
        result = _rate(
            rival.world,
            rival.queues,
            bodies,
            lambda: world.queue_lengths(url, rival.queues) >= count,
        )
    rival.verify(bodies)
    return result


def _rate(
    world_: World, queues: Sequence[str], bodies: Mapping[str, bytes], is_done: Callable[[], bool]
) -> float:
    """Return referrals a second, from the first fifth of the messages to the last.

    Some deliveries are under an embargo, and send none: how many come is known at the end.
    """
    url, seen = world_.engines.exchange_url, [(0, world.now())]

    def look() -> bool:
        is_last = is_done()
        there = world.queue_lengths(url, queues)
        if there > seen[-1][0]:
            seen.append((there, world.now()))
        return is_last

    world_.until(look, every=0.01)
    total, end = seen[-1]
    first, begun = next((there, at) for there, at in seen if there >= total * 0.2)
    if first == total:
        raise ValueError("One look has no rate: send more.")
    return len(bodies) * (total - first) / total / (end - begun)
