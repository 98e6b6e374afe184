"""The closed lists of codes that the broker decides on: those of documents, and its own."""

from __future__ import annotations

from enum import StrEnum

from schemas.codes import (
    NO_LONGER_ADDRESSED,
    ChildTold,
    Contact,
    DeliveryKind,
    EpochReason,
    Grade,
    HealthLevel,
    LookKind,
    MemberRight,
    Milestone,
    NoticeChannel,
    NoticeRecipient,
    NoticeState,
    Outcome,
    PauseReason,
    QuestionEnd,
    QuestionTopic,
    RecallReason,
    ReceiptResult,
    ReturnReason,
    Role,
    Stage,
    ViewsConsidered,
)

__all__ = [
    "NO_LONGER_ADDRESSED",
    "ChildTold",
    "Contact",
    "DeliveryKind",
    "DraftEnd",
    "EpochReason",
    "Grade",
    "HealthLevel",
    "LookKind",
    "MemberRight",
    "Milestone",
    "NoticeChannel",
    "NoticeRecipient",
    "NoticeState",
    "Outcome",
    "PauseReason",
    "QuestionEnd",
    "QuestionTopic",
    "RecallReason",
    "ReceiptResult",
    "ReturnReason",
    "Right",
    "Role",
    "Scope",
    "Stage",
    "ViewsConsidered",
]


class Scope(StrEnum):
    """What a credential may be used for."""

    PUBLISH = "publish"
    COLLECT = "collect"
    OPS = "ops"


class DraftEnd(StrEnum):
    """Why a draft of a referral ended."""

    SENT = "sent"
    DELETED = "deleted"
    EXPIRED = "expired"
    """Nobody had saved it for too long."""


class Right(StrEnum):
    """What a person may do on the pages for ops. There is no right to delete."""

    VIEW = "view"
    REVEAL = "reveal"
    """See the content of a referral, with a reason."""
    REVEAL_RECALLED = "reveal-recalled"
    """The same of a referral that was recalled."""
    ACT = "act"
    """Replay, re-route, acknowledge, pause and resume, one at a time."""
    BULK = "bulk"
    """The same for many at once."""
    POLICY = "policy"
    """Read the whole policy, its versions, and what changed between them."""


class Cause(StrEnum):
    """What a missed deadline is put down to."""

    BROKER = "broker"
    """The broker offered the delivery late."""
    SENT_ON = "sent_on"
    """It was offered late because another agency had it before."""
    CHANNEL = "channel"
    """It could not be delivered."""
    NOT_COLLECTED = "not_collected"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    NOT_DECIDED = "not_decided"
    NO_OWNER = "no_owner"
    """No agency was worked out for the referral."""
