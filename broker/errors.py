"""Everything this broker raises.

BrokerError
├── Invalid               the sender must change the request
│   ├── Malformed         the bytes are not a JSON document that may be read
│   ├── TooLarge          the body is over the size limit
│   ├── HeadTooLarge      the headers are over the size limit
│   └── Prohibited        the content may never be carried (pictures, binary data)
├── Denied                the credential is missing, wrong or not allowed to do this
├── NotFound              it does not exist for this organisation
├── Conflict              the request contradicts what the ledger holds
│   └── ReferenceConflict     the same reference with other content
├── PolicyError           the policy or the directory cannot be used as it stands
│   ├── RedirectRefused   this part of a referral must not go to that agency
│   └── BeyondCalendar    a deadline falls past the end of the calendar data
├── CursorGone            the feed cannot be read on from this cursor
├── Throttled             too many requests: slow down and repeat
└── Unavailable           try again later; nothing was lost
    ├── LedgerRefused         somebody must act before it can be used
    ├── ClockApart            this process's clock is too far from the ledger's
    └── Misconfigured         a service refuses what is needed, until somebody corrects it

Every class has a stable ``code`` (the last part of the problem ``type``, see docs/errors.md).
The gateway maps each class to an HTTP status in one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas import errors

Fault = errors.Fault
"""One fault of a document; its codes are listed in docs/errors.md."""
Remark = errors.Remark
"""A warning that is told only to who sees what it rests on."""


_RESEND = (
    "What was accepted after 'since' may be missing. Send your referrals, corrections and recalls "
    "since then again: what the broker has is not accepted twice. Then read on from 'read_on'."
)
_CORRECTED_SINCE = (
    "This referral was corrected since you opened the page, or read it. Nothing was changed. Look "
    "at what it says now, then decide again."
)
_CURSOR_GONE = {
    "restored": f"The broker was restored from a backup. {_RESEND}",
    "beyond-end": f"The cursor is beyond the end of your feed: the broker lost its end. {_RESEND}",
    "old-form": "Cursors have a new form. Nothing is missing: read on from 'read_on'. Some events "
    "may come a second time.",
}


class BrokerError(Exception):
    """The root: catch this to catch everything that the broker raises deliberately."""

    code = "error"

    def __init__(self, message: str, *, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.faults = tuple(faults)


class Invalid(BrokerError):
    """The sender must change the request; ``faults`` lists every fault."""

    code = "invalid"


class Malformed(Invalid):
    """The bytes are not a JSON document that may be read."""

    code = "malformed"


class TooLarge(Invalid):
    """The body is over the size limit."""

    code = "too-large"
    beginning = b""
    """What was read of it, which may name its reference and grade."""


class HeadTooLarge(Invalid):
    """The request line and the headers are over the size limit."""

    code = "head-too-large"


class Prohibited(Invalid):
    """The content may never be carried, so it was not stored (Protection of Children Act 1978)."""

    code = "prohibited-content"


class Denied(BrokerError):
    """The credential is missing, wrong, expired, revoked or lacks the scope."""

    code = "denied"


class NotFound(BrokerError):
    """It does not exist, or it belongs to another organisation."""

    code = "not-found"


class Conflict(BrokerError):
    """The request contradicts what the ledger holds."""

    code = "conflict"


class CorrectedSince(Conflict):
    """The referral was corrected since the version that a person saw who acts on it."""

    def __init__(self) -> None:
        fault = Fault("/expected_version", "corrected-since", _CORRECTED_SINCE)
        super().__init__(_CORRECTED_SINCE, faults=[fault])


class ReferenceConflict(Conflict):
    """The reference or idempotency key was used before, with other content."""

    code = "reference-conflict"


class PolicyError(BrokerError):
    """The policy or the directory cannot be used as it stands; ``faults`` name file and line."""

    code = "policy"


class RedirectRefused(PolicyError):
    """This part of a referral must not go to that agency; ``faults`` has the reason."""

    code = "redirect-refused"


class BeyondCalendar(PolicyError):
    """A deadline falls past the end of the calendar data; it is not guessed."""

    code = "beyond-calendar"


class CursorGone(BrokerError):
    """The feed cannot be read on from this cursor, which was of before a restore or of old form."""

    code = "cursor-gone"

    def __init__(self, reason: str, since: datetime | None, read_on: str) -> None:
        super().__init__(_CURSOR_GONE[reason])
        self.reason = reason
        """``restored``, ``beyond-end`` or ``old-form``."""
        self.since = since
        """What was committed after this may be missing; None where nothing is."""
        self.read_on = read_on
        """The cursor to read on from; some events may come a second time."""


class Throttled(BrokerError):
    """Too many requests from this credential; repeat after ``retry_after``."""

    code = "throttled"

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(BrokerError):
    """A service that is needed is unavailable; repeat later, nothing was lost."""

    code = "unavailable"


class LedgerRefused(Unavailable):
    """The ledger cannot be used until somebody acts; nothing was lost.

    Clients read its message. ``reason`` and ``next_step`` are for who runs the broker, ``cause`` is
    a code for the log.
    """

    def __init__(self, cause: str, reason: str, *, next_step: str) -> None:
        super().__init__("The ledger cannot be used at present; repeat later.")
        self.cause = cause
        self.reason = reason
        self.next_step = next_step

    def __str__(self) -> str:
        """Say why: this may be all that is seen of it."""
        return self.reason


class ClockApart(Unavailable):
    """The clock of this process is too far from the ledger's, so that it accepts nothing."""

    code = "clock-apart"


class Misconfigured(Unavailable):
    """A service that is needed answers, and refuses for good: repeating alone changes nothing.

    The message says what it refuses, in words for an operator; it never holds a secret.
    """

    code = "misconfigured"
