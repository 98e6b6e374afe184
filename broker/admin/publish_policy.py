"""Publish a policy: check it, store it as a version and bring its organisations up to date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from broker.domain.channel import ChannelForms
from broker.errors import PolicyError, Unavailable
from broker.ledger.ledger import Ledger
from broker.policy.language.directory_reader import OrganisationRow
from broker.policy.published.lint import unpublishable
from broker.policy.published.policy import Policy, digest, load

ATTEMPTS = 10
"""How often publishing begins again because an organisation was changed meanwhile."""


def publish(
    ledger: Ledger, documents: Mapping[str, str], *, now: datetime, channels: ChannelForms
) -> str:
    """Publish a policy and return its version; the same documents again change no version.

    It is checked with the organisations that are rows, which count instead of those of the same
    code in the documents. ``channels`` are those of this broker; an organisation on any other is a
    fault. Raises PolicyError with file and line of every fault; then nothing is published.
    """
    fingerprint = digest(documents)
    version = f"{now:%Y-%m-%d}-{fingerprint.hex()[:8]}"
    ledger.organisations.sync_channels(channels.values())
    latest = ledger.policies.policy(None)
    if latest is not None and digest(latest[1]) == fingerprint:
        return latest[0]
    for _ in range(ATTEMPTS):
        rows, revision = rows_in_force(ledger)
        policy = load(documents, version=version, channels=channels, rows=rows, revision=revision)
        _check(policy)
        ledger.organisations.sync_organisations(_known(policy))
        published = ledger.policies.publish_policy(
            version, fingerprint, documents, now, calendar=policy.edition, revision=revision
        )
        if published is not None:
            return published
    raise Unavailable("The directory was changed again and again meanwhile: publish again.")


def rows_in_force(ledger: Ledger) -> tuple[Iterable[OrganisationRow], int]:
    """Return the organisations that are rows, with their revision of the directory."""
    head = ledger.policies.head(None)
    if head is None or not head.revision:
        return [], 0
    return ledger.directory.rows_between(0, head.revision), head.revision


def load_with_rows(
    ledger: Ledger, documents: Mapping[str, str], *, version: str, channels: ChannelForms
) -> Policy:
    """Read a policy with the organisations that are rows now. Raises PolicyError."""
    rows, revision = rows_in_force(ledger)
    return load(documents, version=version, channels=channels, rows=rows, revision=revision)


def _check(policy: Policy) -> None:
    """Raise PolicyError where a policy may not be published."""
    if faults := unpublishable(policy):
        raise PolicyError(
            "The calendar or the directory is not fit to be published.", faults=faults
        )


def _known(policy: Policy) -> list[tuple[str, str, str, str]]:
    """Return code, name, kind and channel of each organisation."""
    return [
        (organisation.code, organisation.name, organisation.kind, organisation.channel)
        for organisation in policy.directory.organisations
    ]
