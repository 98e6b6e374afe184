"""Handing over in one transaction: it needs no second connection to the ledger."""

from broker.bootstrap import Pool, open_broker
from broker.flow.hand_over import hand_over
from broker.settings import Settings
from tests.acceptance.conftest import World
from tests.acceptance.test_cases_handover import OFFICE, TEAM, part_of, urgent


def test_a_hand_over_needs_no_second_connection(world: World, settings: Settings) -> None:
    """Threads that each hold one and wait for another would wait for each other."""
    world.at("2026-12-16 16:55")
    receipt = world.routed(urgent())
    world.at("2026-12-16 17:00")
    pool = Pool(connections=1)
    with open_broker(settings, process="tests", clock=world.clock, pool=pool) as context:
        assert context.policies.latest()
        assert hand_over(context, 10) == 1
    status = world.status(receipt)
    assert part_of(status, OFFICE)["state"] == "handed_over"
    assert part_of(status, TEAM)["state"] == "available"
