"""Part of every step: the policy in force, and the older versions that deliveries refer to."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from broker.domain.channel import ChannelForms
from broker.errors import PolicyError
from broker.ledger.ledger import Ledger
from broker.ledger.policies import PolicyHead
from broker.policy.language.directory_reader import OrganisationReader
from broker.policy.published.policy import Policy, load
from broker.telemetry import monotonic_seconds

REFRESH_SECONDS = 0.5
"""A published policy, or a changed organisation, is in force in every process after so long."""
VERSIONS = 8
"""Published policies held in memory; an older one is read again when a delivery needs it."""
REVISIONS = 64
"""Versions held in all: those of one policy share its rules and every unchanged organisation."""
T = TypeVar("T")


class MissingPolicies(Exception):
    """A transaction needs versions that are not in memory; it ends, and nothing of it stays."""

    def __init__(self, versions: Iterable[str]) -> None:
        super().__init__()
        self.versions = frozenset(versions)


@dataclass(slots=True)
class HeldPolicies:
    """Policies that are in memory, for use inside a transaction: none of them is read there.

    Reading takes another connection, which may be the last of the pool, and up to a second.
    """

    _in_force: Policy | PolicyError
    _versions: Mapping[str, Policy]
    missing: set[str] = field(default_factory=set)
    """The versions that were asked for and are not held."""

    @property
    def in_force(self) -> Policy:
        """The policy in force. Raises PolicyError when none was ever published."""
        if isinstance(self._in_force, PolicyError):
            raise self._in_force
        return self._in_force

    def version(self, version: str) -> Policy | None:
        """Return a version; None, and it is noted as missing, where it is not held."""
        policy = self._versions.get(version)
        if policy is None:
            self.missing.add(version)
        return policy

    def require(self, versions: Iterable[str]) -> None:
        """Raise MissingPolicies, to be begun again with them, where some are not held."""
        missing = set(versions) - self._versions.keys()
        if missing:
            raise MissingPolicies(missing)


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
        self.channels = channels
        """The forms of the channels of this broker."""
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._policies: OrderedDict[str, Policy] = OrderedDict()
        self._based_on: dict[str, str] = {}
        """The published policy of each version held."""
        self._readers: dict[str, OrganisationReader] = {}
        """What reads changed organisations, by published policy."""
        self._latest: Policy | None = None
        self._fresh_until = 0.0

    def reading(self, ledger: Ledger) -> PolicyCache:
        """Return a cache that has what this one has, and reads all else from another ledger."""
        cache = PolicyCache(ledger, self.channels, monotonic=self._monotonic)
        with self._lock:
            cache._policies.update(self._policies)
            cache._based_on.update(self._based_on)
            cache._latest, cache._fresh_until = self._latest, self._fresh_until
        return cache

    def latest(self) -> Policy:
        """Return the policy in force. Raises PolicyError when none was ever published."""
        with self._lock:
            if self._latest is None or self._monotonic() >= self._fresh_until:
                self._latest = self._read(None)
                self._fresh_until = self._monotonic() + REFRESH_SECONDS
            return self._latest

    def refreshed(self) -> Policy:
        """Return the policy in force at this instant. Raises PolicyError when there is none."""
        with self._lock:
            self._fresh_until = 0.0
        return self.latest()

    def version(self, version: str) -> Policy:
        """Return the policy that was in force when something was decided."""
        with self._lock:
            return self._policies.get(version) or self._read(version)

    def with_revision(self, published: str, revision: int) -> Policy:
        """Return a published policy with a revision of the directory that may be of another one."""
        with self._lock:
            return self._built(PolicyHead(f"{published}.{revision}", published, revision))

    def with_held(self, run: Callable[[HeldPolicies], int]) -> int:
        """Run what may use only the policies in memory, and again with those that it missed.

        A version that cannot be read any more is taken to be that in force, so that what depends
        on it is done in any case. Returns the sum of what the runs return.
        """
        versions: dict[str, Policy] = {}
        count = 0
        while True:
            held = self._held(versions)
            count += run(held)
            if not held.missing:
                return count
            versions |= self._versions_or(held.missing, held)

    def with_required(self, run: Callable[[HeldPolicies], T]) -> T:
        """Return what a transaction returns that may use only the policies in memory.

        It runs again with those that it requires and that are not held. A version that cannot be
        read any more is taken to be that in force.
        """
        versions: dict[str, Policy] = {}
        while True:
            held = self._held(versions)
            try:
                return run(held)
            except MissingPolicies as missing:
                versions |= self._versions_or(missing.versions, held)

    def _held(self, versions: Mapping[str, Policy]) -> HeldPolicies:
        in_force = self._in_force()
        with self._lock:
            return HeldPolicies(in_force, {**self._policies, **versions})

    def _in_force(self) -> Policy | PolicyError:
        try:
            return self.latest()
        except PolicyError as error:
            return error

    def _versions_or(self, versions: Iterable[str], held: HeldPolicies) -> dict[str, Policy]:
        return {version: self._version_or(version, held) for version in versions}

    def _version_or(self, version: str, held: HeldPolicies) -> Policy:
        try:
            return self.version(version)
        except PolicyError:
            return held.in_force

    def _read(self, version: str | None) -> Policy:
        head = self._ledger.policies.head(version)
        if head is None:
            raise PolicyError("No policy is published: run `broker policy publish`.")
        policy = self._policies.get(head.version) or self._built(head)
        self._policies[head.version] = policy
        self._based_on[head.version] = head.based_on
        self._policies.move_to_end(head.version)
        while len(self._policies) > REVISIONS or len(set(self._based_on.values())) > VERSIONS:
            self._forget_oldest()
        return policy

    def _built(self, head: PolicyHead) -> Policy:
        """Return a version made of the nearest one held, or read whole."""
        held = [
            policy
            for version, policy in self._policies.items()
            if self._based_on[version] == head.based_on
        ]
        if held:
            near = min(held, key=lambda policy: abs(policy.directory.revision - head.revision))
            return self._changed(near, head)
        like = next(reversed(self._policies.values()), None)
        return read_version(self._ledger, head, self.channels, like)

    def _changed(self, near: Policy, head: PolicyHead) -> Policy:
        """Return a version of which one with other organisations is held."""
        if head.based_on not in self._readers:
            self._readers[head.based_on] = near.reader(self.channels)
        rows = self._ledger.directory.rows_between(near.directory.revision, head.revision)
        return near.with_rows(
            rows,
            version=head.version,
            revision=head.revision,
            reader=self._readers[head.based_on],
        )

    def _forget_oldest(self) -> None:
        version, _ = self._policies.popitem(last=False)
        based_on = self._based_on.pop(version)
        if based_on not in self._based_on.values():
            self._readers.pop(based_on, None)


def read_version(
    ledger: Ledger, head: PolicyHead, channels: ChannelForms, like: Policy | None = None
) -> Policy:
    """Read a version of the policy whole. Raises PolicyError where it cannot be used.

    It shares with ``like`` the organisations that are rows of the same version in both.
    """
    published = ledger.policies.policy(head.based_on)
    if published is None:
        raise PolicyError("No policy is published: run `broker policy publish`.")
    if not head.revision:
        return load(published[1], version=head.version, channels=channels)
    return load(
        published[1],
        version=head.version,
        channels=channels,
        rows=ledger.directory.rows_between(0, head.revision),
        revision=head.revision,
        like=like,
    )
