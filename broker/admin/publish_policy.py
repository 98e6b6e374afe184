"""Publish a policy: check it, store it as a version and bring its organisations up to date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from broker.domain.channel import ChannelForms
from broker.errors import PolicyError
from broker.ledger.ledger import Ledger
from broker.policy.published.lint import unpublishable
from broker.policy.published.policy import digest, load


def publish(
    ledger: Ledger, documents: Mapping[str, str], *, now: datetime, channels: ChannelForms
) -> str:
    """Publish a policy and return its version; the same documents again change no version.

    ``channels`` are those of this broker; an organisation on any other is a fault.
    Raises PolicyError with file and line of every fault; then nothing is published.
    """
    fingerprint = digest(documents)
    version = f"{now:%Y-%m-%d}-{fingerprint.hex()[:8]}"
    ledger.organisations.sync_channels(channels.values())
    latest = ledger.policies.policy(None)
    if latest is not None and digest(latest[1]) == fingerprint:
        return latest[0]
    policy = load(documents, version=version, channels=channels)
    if faults := unpublishable(policy):
        raise PolicyError(
            "The calendar or the directory is not fit to be published.", faults=faults
        )
    known = [
        (organisation.code, organisation.name, organisation.kind, organisation.channel)
        for organisation in policy.directory.organisations
    ]
    ledger.organisations.sync_organisations(known)
    ledger.policies.publish_policy(version, fingerprint, documents, now, calendar=policy.edition)
    return version
