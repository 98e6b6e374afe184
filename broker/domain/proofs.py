"""Proof that the broker works while nothing happens: a test referral, and a monitor outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SyntheticStep(StrEnum):
    """The steps that a test referral goes through, in their order."""

    READ = "read"
    ACCEPT = "accept"
    ROUTE = "route"
    COLLECT = "collect"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class SyntheticTest:
    """The latest test referral."""

    begun_at: datetime
    ended_at: datetime | None
    """None while it is under way, or where its worker died."""
    step: SyntheticStep | None
    """Where it stopped; None where it came through or has not ended."""
    code: str | None
    """Why it stopped."""
    through_at: datetime | None
    """When one last came through."""
    seconds: float | None
    """How long that one took, from the gateway that began it to its acknowledgement."""


@dataclass(frozen=True, slots=True)
class Ping:
    """The latest call of the monitor outside."""

    called_at: datetime
    code: str | None
    """Why it did not answer well: ``refused``, or a code of the connection; None where it did."""
    status: int | None
    """The HTTP status of its answer."""
    answered_at: datetime | None
    """When it last answered well."""


@dataclass(frozen=True, slots=True)
class SyntheticState:
    """Whether test referrals come through, as far as gateways say that there should be any."""

    every: float
    """Seconds between two of them; 0 where none are sent."""
    since: datetime
    """Since when the gateways run that send them."""
    latest: SyntheticTest | None = None


@dataclass(frozen=True, slots=True)
class MonitorState:
    """Whether a monitor outside is called and answers, as far as gateways say that one is set."""

    is_set: bool
    since: datetime
    """Since when the gateways run that call it."""
    latest: Ping | None = None
