"""Everything that the SDK raises.

ClientError
├── Invalid           the document or the request must be changed; ``faults`` lists why
├── Denied            the key is missing, wrong, expired, revoked or not allowed to do this
├── NotFound          your organisation has no such referral, delivery or escalation
├── Conflict          it contradicts what the broker already holds; nothing was changed
├── CursorGone        your feed cannot be read on from this cursor; ``read_on`` says from which
├── Unavailable       the broker is down, busy or failed: nothing was lost, repeat later
│   └── Throttled         too many requests from this key; repeat after ``retry_after_seconds``
└── Unexpected        the broker's answer breaks its own contract: report it with ``instance``

An ``Unavailable`` after a ``publish`` means *unknown*, never *not accepted*. Publish the same
document again. The reference makes that safe, and you get the same receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a document: where (RFC 6901), which rule, and what to do."""

    pointer: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """The broker's reasons for refusing a request (RFC 9457)."""

    status: int
    code: str
    title: str
    detail: str = ""
    type: str = "about:blank"
    instance: str | None = None
    next_step: str | None = None
    retryable: bool = False
    faults: tuple[Fault, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)
    """The whole document, with what single kinds of problem have besides."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Problem:
        """Read a problem document; members that are missing get a neutral value."""
        return cls(
            status=int(value.get("status", 0)),
            code=str(value.get("code", "unknown")),
            title=str(value.get("title", "The broker refused the request")),
            detail=str(value.get("detail") or ""),
            type=str(value.get("type", "about:blank")),
            instance=value.get("instance"),
            next_step=value.get("next_step"),
            retryable=bool(value.get("retryable", False)),
            faults=faults_from(value.get("errors")),
            members=value,
        )


class ClientError(Exception):
    """The root: catch this to catch everything that the SDK raises on purpose."""

    def __init__(self, message: str, *, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problem = problem

    @property
    def code(self) -> str | None:
        """The stable code of the problem (docs/errors.md), if the broker gave one."""
        return self.problem.code if self.problem else None

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Everything that is wrong with the document, all at once."""
        return self.problem.faults if self.problem else ()

    @property
    def next_step(self) -> str | None:
        """What the broker suggests to do next."""
        return self.problem.next_step if self.problem else None


class Invalid(ClientError):
    """The document or the request must be changed; ``faults`` lists everything that is wrong."""


class Denied(ClientError):
    """The key is missing, wrong, expired, revoked or lacks the scope."""


class NotFound(ClientError):
    """It does not exist, or it belongs to another organisation."""


class Conflict(ClientError):
    """The request contradicts what the broker already holds; nothing was changed."""


class CursorGone(ClientError):
    """Your feed cannot be read on from this cursor, after a restore of the broker for example.

    ``since`` is an instant (RFC 3339): what the broker accepted after it may be missing, so publish
    it again; None where nothing is missing. Then read on from ``read_on``.
    """

    def __init__(self, message: str, *, problem: Problem) -> None:
        super().__init__(message, problem=problem)
        self.reason = str(problem.members.get("reason", ""))
        """``restored``, ``beyond-end`` or ``old-form``."""
        self.since: str | None = problem.members.get("since")
        self.read_on = str(problem.members.get("read_on") or "")


class Unavailable(ClientError):
    """The broker cannot be reached, is busy, or failed; repeat later, nothing was lost.

    Every answer of 500 or above is one, a proxy's included. If it lasts, report ``problem``.
    """


class Throttled(Unavailable):
    """Too many requests from this key; repeat after ``retry_after_seconds``."""

    def __init__(
        self, message: str, *, problem: Problem | None = None, retry_after_seconds: float = 1.0
    ) -> None:
        super().__init__(message, problem=problem)
        self.retry_after_seconds = retry_after_seconds


class Unexpected(ClientError):
    """The broker's answer breaks its own contract."""


def faults_from(errors: Any) -> tuple[Fault, ...]:
    """Read the ``errors`` member of a problem document."""
    return tuple(
        Fault(
            pointer=str(error.get("pointer", "")),
            code=str(error.get("code", "")),
            message=str(error.get("message", "")),
        )
        for error in errors or ()
    )


_BY_STATUS: Mapping[int, type[ClientError]] = {
    400: Invalid,
    401: Denied,
    403: Denied,
    404: NotFound,
    405: Unexpected,
    406: Unexpected,
    409: Conflict,
    410: NotFound,
    413: Invalid,
    415: Invalid,
    422: Invalid,
}


def error_for(problem: Problem, *, retry_after_seconds: float | None = None) -> ClientError:
    """Return the error that fits a problem document, ready to be raised."""
    message = problem.detail or problem.title
    if problem.status == 429:
        wait = 1.0 if retry_after_seconds is None else retry_after_seconds
        return Throttled(message, problem=problem, retry_after_seconds=wait)
    if problem.code == "cursor-gone":
        return CursorGone(message, problem=problem)
    if problem.status >= 500:
        return Unavailable(message, problem=problem)
    return _BY_STATUS.get(problem.status, Unexpected)(message, problem=problem)
