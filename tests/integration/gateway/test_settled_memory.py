"""A gateway keeps the collector of cycles off its policy, and off the batches that it gives out."""

import gc

from broker import memory
from broker.cli.run.serve import application
from broker.flow.context import Context


def test_a_gateway_settles_its_memory_before_it_serves(context: Context) -> None:
    before = gc.get_threshold()
    gc.unfreeze()
    try:
        application(context)
        assert gc.get_threshold()[0] == memory.FOR_A_GATEWAY
        assert gc.get_freeze_count()
    finally:
        gc.set_threshold(*before)
