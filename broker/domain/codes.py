"""The closed lists of words that the broker itself decides on."""

from __future__ import annotations

from enum import StrEnum


class Grade(StrEnum):
    """How urgent a referral is, most urgent first, as the police themselves grade it."""

    IMMEDIATE = "immediate"
    VERY_HIGH = "very_high"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Milestone(StrEnum):
    """A point on a delivery's way that can have a deadline of its own."""

    COLLECT = "collect"
    ACKNOWLEDGE = "acknowledge"
    DECIDE = "decide"


class Role(StrEnum):
    """Why an agency has a delivery."""

    LEAD = "lead"
    """It must act."""
    COPY = "copy"
    """It must know; another agency leads."""


class Kind(StrEnum):
    """What a delivery is to its agency."""

    REFERRAL = "referral"
    """A part of a referral that it has not had before."""
    CORRECTION = "correction"
    """A later version of what it has."""
    RECALL = "recall"
    """What it has must be destroyed; bears no content."""


class RecallReason(StrEnum):
    """Why a publisher took a referral back."""

    SENT_IN_ERROR = "sent_in_error"
    WRONG_PERSON = "wrong_person"
    INACCURATE = "inaccurate"
    UNLAWFUL = "unlawful"


NO_LONGER_ADDRESSED = "no_longer_addressed"
"""Why the broker recalls what an agency had: by a correction it is not concerned any more."""


class Stage(StrEnum):
    """What a receipt says about a delivery."""

    COLLECTED = "collected"
    ACKNOWLEDGED = "acknowledged"
    DECIDED = "decided"
    RETURNED = "returned"


class Outcome(StrEnum):
    """What an agency decided about the contact or referral."""

    NO_FURTHER_ACTION = "no_further_action"
    ADVICE = "advice"
    EARLY_HELP = "early_help"
    ASSESSMENT = "assessment"
    STRATEGY_DISCUSSION = "strategy_discussion"
    ALREADY_OPEN = "already_open"
    ACTION_TAKEN = "action_taken"
    OTHER = "other"
    DESTROYED = "destroyed"
    """Every copy of what was recalled is destroyed; the answer to a recall, and to nothing else."""


class ReturnReason(StrEnum):
    """Why an agency gave a delivery back."""

    WRONG_AREA = "wrong_area"
    NOT_OURS = "not_ours"
    BELOW_THRESHOLD = "below_threshold"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    NEED_INFORMATION = "need_information"


class Scope(StrEnum):
    """What a credential may be used for."""

    PUBLISH = "publish"
    COLLECT = "collect"
    OPS = "ops"


class PauseReason(StrEnum):
    """Why a clock that may be paused stands."""

    INFORMATION_REQUESTED = "information_requested"
    """The agency cannot go on before the publisher has answered."""
    LEGAL_HOLD = "legal_hold"


class Told(StrEnum):
    """Whose contact a notice goes to."""

    AGENCY = "agency"
    PUBLISHER = "publisher"
    OPS = "ops"


class Contact(StrEnum):
    """Who is told in an organisation."""

    DUTY = "duty"
    MANAGER = "manager"
    SUPERVISOR = "supervisor"


class NoticeChannel(StrEnum):
    """How a notice travels. The publisher's feed has every event anyway."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    COMMAND = "command"


class Right(StrEnum):
    """What a person may do on the pages for ops. There is no right to delete."""

    VIEW = "view"
    REVEAL = "reveal"
    """See the content of a referral, with a reason."""
    ACT = "act"
    """Replay, re-route, acknowledge, pause and resume, one at a time."""
    BULK = "bulk"
    """The same for many at once."""
    POLICY = "policy"
    """Read the whole policy, its versions, and what changed between them."""
