"""Everything that is wrong with a policy, before anybody uses it."""

from __future__ import annotations

from collections.abc import Mapping

from broker.domain.channel import ChannelForms
from broker.errors import Fault
from broker.policy.published.policy import HOLIDAYS, Policy, assemble


def lint(documents: Mapping[str, str], *, channels: ChannelForms) -> list[Fault]:
    """Return every fault of a policy's documents, pointing at ``file:line``; none when it is sound.

    What it finds is what keeps the policy from being published.
    """
    policy, faults = assemble(documents, version="unpublished", channels=channels)
    return faults if policy is None else [*faults, *unsourced(policy)]


def unsourced(policy: Policy) -> list[Fault]:
    """Return the fault of calendar data that does not say where it comes from.

    It keeps a policy from being published, but not an older one from being read.
    """
    if policy.edition.source:
        return []
    return [Fault(f"{HOLIDAYS}:1", "missing", "Say in 'source' who sets these days.")]
