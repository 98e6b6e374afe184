"""Whom a step of the policy notifies, and the notices for them."""

from __future__ import annotations

from broker.domain.codes import NoticeRecipient
from broker.domain.ids import NewId, NoticeId, OrganisationCode
from broker.domain.notice import NewNotice, NoticePayload
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


def notices_of(
    payload: NoticePayload, policy_step: Step, recipient: Organisation | None, new_id: NewId
) -> list[NewNotice]:
    """Return a notice for each channel of a step that the organisation has an address for."""
    if recipient is None:
        return []
    known = recipient.contacts.get(policy_step.contact, {})
    return [
        NewNotice(
            id=NoticeId(new_id()),
            kind=payload.kind,
            organisation=recipient.code,
            contact=policy_step.contact,
            channel=channel,
            referral=payload.referral,
            delivery=payload.delivery,
            escalation=payload.escalation,
            data=payload.data,
        )
        for channel in policy_step.by
        if channel in known
    ]
