"""What each key may have of a gateway at once, so that none is felt by the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from broker.errors import Throttled
from broker.gateway import bounds
from broker.gateway.bulk_turns import BulkTurns


@dataclass(slots=True)
class _Usage:
    """What one key uses now."""

    calls: int = 0
    waits: int = 0
    memory: int = 0
    owed: float = 0.0
    """Bytes of large bodies that came faster than they may."""
    owed_at: float = 0.0
    bulks: int = 0
    bulk: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a bulk of the key is worked on: the next one waits for it."""


@dataclass(slots=True)
class Share:
    """One call under way."""

    key: str
    usage: _Usage
    memory: int = 0
    is_bulk: bool = False


class Shares:
    """Used by the event loop alone."""

    def __init__(self) -> None:
        self._usages: dict[str, _Usage] = {}
        self._waits = 0
        self._memory = 0
        self.turns = BulkTurns()

    @contextmanager
    def call(self, key: str) -> Iterator[Share]:
        """Count a call of a key while it is served. Raises Throttled beyond ``CALLS_EACH``."""
        usage = self._usages.get(key)
        if usage is None:
            usage = self._usages[key] = _Usage()
        if usage.calls >= bounds.CALLS_EACH:
            raise _throttled(f"This key has {bounds.CALLS_EACH} calls under way already.")
        usage.calls += 1
        self.turns.call_begins()
        share = Share(key, usage)
        try:
            yield share
        finally:
            self.turns.call_ends(key, is_bulk=share.is_bulk)
            usage.calls -= 1
            usage.memory -= share.memory
            self._memory -= share.memory

    def check_wait(self, key: str) -> None:
        """Raise Throttled if a key may not wait for anything more."""
        if not self.may_wait(key):
            raise _throttled(
                f"This key waits in {bounds.WAITS_EACH} calls already, or all keys together in "
                f"{bounds.WAITS}."
            )

    def may_wait(self, key: str) -> bool:
        """Tell whether one more call of a key may wait."""
        usage = self._usages.get(key)
        return self._waits < bounds.WAITS and (not usage or usage.waits < bounds.WAITS_EACH)

    @contextmanager
    def wait(self, key: str) -> Iterator[None]:
        """Count a call as one that waits, and no longer as one that is served."""
        usage = self._usages.setdefault(key, _Usage())
        usage.waits += 1
        usage.calls -= 1
        self._waits += 1
        self.turns.call_ends(key)
        try:
            yield
        finally:
            self.turns.call_begins()
            usage.waits -= 1
            usage.calls += 1
            self._waits -= 1

    def take_body(self, share: Share, size: int) -> None:
        """Count a large body, or more of it, which is in memory until its call is served.

        Raises Throttled when too much is in memory, or when such bodies come too fast.
        """
        usage, now = share.usage, monotonic()
        owed = max(0.0, usage.owed - (now - usage.owed_at) * bounds.BODY_BYTES_A_SECOND)
        too_much = owed - bounds.BODY_BYTES_AT_ONCE
        if too_much > 0 and not share.memory:
            seconds = too_much / bounds.BODY_BYTES_A_SECOND
            raise _throttled("This key sends large bodies too fast.", seconds)
        free = bounds.BODY_BYTES - self._memory
        if size > min(bounds.BODY_BYTES_EACH - usage.memory, free - usage.memory):
            raise _throttled("Too many large bodies are in work.")
        usage.owed, usage.owed_at = owed + size, now
        usage.memory += size
        share.memory += size
        self._memory += size

    @contextmanager
    def bulk(self, share: Share) -> Iterator[None]:
        """Count a bulk while it is served. Raises Throttled beyond ``BULKS_EACH``."""
        share.is_bulk = True
        if share.usage.bulks >= bounds.BULKS_EACH:
            raise _throttled(f"This key has {bounds.BULKS_EACH} bulks under way already.", 2.0)
        share.usage.bulks += 1
        self.turns.call_ends(share.key, is_bulk=True)
        try:
            yield
        finally:
            self.turns.call_begins()
            share.usage.bulks -= 1


def _throttled(message: str, seconds: float = 1.0) -> Throttled:
    return Throttled(message, retry_after=timedelta(seconds=seconds))
