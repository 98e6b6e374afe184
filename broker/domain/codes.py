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
    """Publish a policy."""
