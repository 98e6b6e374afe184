"""Whom a step of the policy notifies, and by which channels."""

from __future__ import annotations

from broker.domain.codes import Contact, NoticeChannel, NoticeRecipient
from broker.domain.ids import OrganisationCode
from broker.policy.language.directory import Organisation
from broker.policy.monitoring.alarms import Step
from broker.policy.published.policy import Policy


def recipient_of(
    policy_step: Step, policy: Policy, *, agency: OrganisationCode, publisher: OrganisationCode
) -> Organisation | None:
    """Return the organisation that a step notifies; None when the directory does not know it."""
    if policy_step.to is NoticeRecipient.OPS:
        return policy.directory.ops
    return policy.directory.organisation(
        agency if policy_step.to is NoticeRecipient.AGENCY else publisher
    )


def addressed(
    policy_step: Step, recipient: Organisation | None
) -> list[tuple[NoticeChannel, OrganisationCode]]:
    """Return the channels of a step that the organisation has an address for."""
    if recipient is None:
        return []
    known = recipient.contacts.get(Contact(policy_step.contact), {})
    return [(channel, recipient.code) for channel in policy_step.by if channel in known]
