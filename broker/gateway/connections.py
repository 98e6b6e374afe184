"""Every open connection of a gateway, bounded in all and for each address.

At a limit a new connection takes the place of one on which nothing is under way: the oldest that
has not sent a whole request yet, else the one that has been idle for longest. So connections that
say nothing keep nobody out, however many there are.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from time import monotonic
from typing import Protocol

from broker.gateway.addresses import includes, neighbourhood
from broker.gateway.bounds import REFUSED, SPARE_FILES
from broker.settings import Network
from broker.telemetry import logger

LOG_SECONDS = 10.0
_log = logger("gateway")


class Connection(Protocol):
    """What this knows of a connection."""

    def give_way(self) -> None:
        """Close at once."""


@dataclass(slots=True)
class _Group:
    """Connections that share a limit; the two dictionaries are in order of age."""

    count: int = 0
    silent: dict[Connection, None] = field(default_factory=dict)
    idle: dict[Connection, None] = field(default_factory=dict)

    def oldest_unused(self) -> Connection | None:
        return next(iter(self.silent), None) or next(iter(self.idle), None)

    def drop(self, connection: Connection) -> None:
        self.silent.pop(connection, None)
        self.idle.pop(connection, None)


class Connections:
    """Used by the event loop alone."""

    def __init__(self, most: int, most_each: int, *, proxies: Sequence[Network] = ()) -> None:
        """``proxies``: addresses without a limit of their own."""
        self._most, self._most_each = most, most_each
        self._is_proxy = lru_cache(4096)(partial(includes, tuple(proxies)))
        self._all = _Group()
        self._groups: dict[str, _Group] = {}
        self._members: dict[Connection, tuple[str, _Group]] = {}
        self._refused: dict[Connection, None] = {}
        self._closed: Counter[str] = Counter()
        self._logged = 0.0

    def __len__(self) -> int:
        return len(self._members)

    def admit(self, connection: Connection, host: str) -> bool:
        """Take in a new connection, in place of another at a limit; False if there is no place."""
        name = neighbourhood(host)
        group = self._groups.get(name) or _Group()
        is_full = group.count >= self._most_each and not self._is_proxy(host)
        if is_full and not self._make_room(group, "address"):
            return False
        if len(self) >= self._most and not self._make_room(self._all, "all"):
            return False
        self._groups[name] = group
        self._members[connection] = (name, group)
        group.count += 1
        self._all.silent[connection] = group.silent[connection] = None
        return True

    def refuse(self, connection: Connection) -> None:
        """Hold a connection that has no place until it can be answered; the oldest give way."""
        if len(self._refused) >= REFUSED:
            oldest = next(iter(self._refused))
            del self._refused[oldest]
            oldest.give_way()
        self._refused[connection] = None

    def is_used(self, connection: Connection) -> None:
        """Note that a whole head of a request has come."""
        if member := self._members.get(connection):
            self._all.drop(connection)
            member[1].drop(connection)

    def is_idle(self, connection: Connection) -> None:
        """Note that nothing is under way any more."""
        if member := self._members.get(connection):
            self._all.idle[connection] = member[1].idle[connection] = None

    def is_silent(self, connection: Connection) -> None:
        """Note that the answer is given, and that what still comes is dropped."""
        if member := self._members.get(connection):
            self._all.silent[connection] = member[1].silent[connection] = None

    def remove(self, connection: Connection) -> None:
        """Note that a connection is closed; it may be one that was not taken in."""
        self._refused.pop(connection, None)
        if not (member := self._members.pop(connection, None)):
            return
        name, group = member
        self._all.drop(connection)
        group.drop(connection)
        group.count -= 1
        if not group.count:
            self._groups.pop(name, None)

    def count(self, reason: str) -> None:
        """Count a connection that was closed or refused; the log has the sums now and then."""
        self._closed[reason] += 1
        if monotonic() - self._logged < LOG_SECONDS:
            return
        self._logged = monotonic()
        for cause, number in self._closed.items():
            _log.warning("connections closed", code=cause, count=number)
        self._closed.clear()

    def _make_room(self, group: _Group, reason: str) -> bool:
        self.count(reason)
        oldest = group.oldest_unused()
        if oldest is None:
            return False
        self.remove(oldest)
        oldest.give_way()
        return True


def most_connections(wanted: int) -> int:
    """Return how many connections this process can hold, and raise its limit as far as it may."""
    limit, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE_FILES
    if limit < needed:
        limit = needed if highest == resource.RLIM_INFINITY else min(needed, highest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, highest))
    return min(wanted, max(1, limit - SPARE_FILES))
