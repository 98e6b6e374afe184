"""What the collector of cycles looks at in a process that serves for long."""

from __future__ import annotations

import gc

FOR_A_WORKER = 20_000
"""So many objects more than before are looked through for cycles: more than a batch has."""
FOR_A_GATEWAY = 5_000
"""Fewer, because a request that fails could leave a cycle, and its whole body with that."""


def settle(collect_after: int) -> None:
    """Keep the collector of cycles off what lives long, and off the values of a batch.

    Call it when what lives as long as the process was read. The values of a batch hold no cycles
    and go by the counts of their references.
    """
    gc.freeze()
    gc.set_threshold(collect_after)
