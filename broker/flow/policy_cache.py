"""Part of every step: the policy in force, and the older versions that deliveries refer to."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from broker.domain.channel import ChannelForms
from broker.errors import PolicyError
from broker.ledger.ledger import Ledger
from broker.policy.published.policy import Policy, load
from broker.telemetry import monotonic_seconds

REFRESH_SECONDS = 5.0
"""A newly published policy is in force in every process after so long."""
VERSIONS = 8
"""Versions held in memory; an older one is read again when a delivery needs it."""


class PolicyCache:
    """Reads policy versions from the ledger, once each. May be used from any thread."""

    def __init__(
        self,
        ledger: Ledger,
        channels: ChannelForms,
        *,
        monotonic: Callable[[], float] = monotonic_seconds,
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._policies: OrderedDict[str, Policy] = OrderedDict()
        self._latest: Policy | None = None
        self._fresh_until = 0.0

    def latest(self) -> Policy:
        """Return the policy in force. Raises PolicyError when none was ever published."""
        with self._lock:
            if self._latest is None or self._monotonic() >= self._fresh_until:
                self._latest = self._read(None)
                self._fresh_until = self._monotonic() + REFRESH_SECONDS
            return self._latest

    def version(self, version: str) -> Policy:
        """Return the policy that was in force when something was decided."""
        with self._lock:
            return self._policies.get(version) or self._read(version)

    def _read(self, version: str | None) -> Policy:
        published = self._ledger.policies.policy(version)
        if published is None:
            raise PolicyError("No policy is published: run `broker policy publish`.")
        version, documents = published
        policy = self._policies.get(version) or load(
            documents, version=version, channels=self._channels
        )
        self._policies[version] = policy
        self._policies.move_to_end(version)
        if len(self._policies) > VERSIONS:
            self._policies.popitem(last=False)
        return policy
