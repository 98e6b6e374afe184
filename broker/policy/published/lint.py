"""Everything that is wrong with a policy, before anybody uses it."""

from __future__ import annotations

from collections.abc import Mapping

from broker.domain.channel import ChannelForms
from broker.errors import Fault
from broker.policy.published.checks import check_places, unserved
from broker.policy.published.policy import HOLIDAYS, Policy, assemble


def lint(documents: Mapping[str, str], *, channels: ChannelForms) -> list[Fault]:
    """Return every fault of a policy's documents, pointing at ``file:line``; none when it is sound.

    What it finds is what keeps the policy from being published.
    """
    policy, faults = assemble(documents, version="unpublished", channels=channels)
    return faults if policy is None else [*faults, *unpublishable(policy)]


def unpublishable(policy: Policy) -> list[Fault]:
    """Return what keeps a policy from being published, but not an older one from being read.

    That is calendar data that does not say where it comes from, and areas that do not exist.
    """
    faults = [*check_places(policy.directory, policy.gazetteer)]
    if not policy.edition.source:
        message = "Say in 'source' who sets these days."
        faults.append(Fault(f"{HOLIDAYS}:1", "missing", message))
    return faults


def remarks(documents: Mapping[str, str], *, channels: ChannelForms) -> list[str]:
    """Return what is worth knowing of a policy and is no fault: whom nobody serves."""
    policy, _ = assemble(documents, version="unpublished", channels=channels)
    if policy is None:
        return []
    gazetteer = policy.gazetteer
    missing = unserved(policy.directory, gazetteer)
    names = ", ".join(place.said for place in missing[:_MOST_NAMED])
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    return [
        f"{len(missing)} of {len(gazetteer.authorities)} authorities of the United Kingdom have no "
        f"social care in this directory; a child there waits for ops: {names}{more}."
    ] * bool(missing)


_MOST_NAMED = 5
