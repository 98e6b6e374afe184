"""Errors as problem documents (RFC 9457): one table has what each error means to a client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from broker.errors import (
    BeyondCalendar,
    BrokerError,
    ClockApart,
    Conflict,
    CursorGone,
    Denied,
    HeadTooLarge,
    Invalid,
    Malformed,
    Misconfigured,
    NotFound,
    PolicyError,
    Prohibited,
    RedirectRefused,
    ReferenceConflict,
    Throttled,
    TooLarge,
    Unavailable,
)
from broker.telemetry import error_fields, logger

PATH = "/problems"
"""Where each gateway explains the kinds of problem."""
TYPES = f"https://referral-broker.example.org{PATH}/"
"""Stable names of the kinds of problem, the same at every broker."""
MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2
_log = logger("gateway")


class Forbidden(Denied):
    """The key is good, but not for this call."""

    code = "forbidden"


class Unsupported(Invalid):
    """The body has a media type or an encoding that is not supported."""

    code = "unsupported-media-type"


class TooSlow(BrokerError):
    """The request did not arrive in time."""

    code = "too-slow"


class NotAllowed(BrokerError):
    """The address exists, but not for this method."""

    code = "method-not-allowed"


class _Internal(BrokerError):
    """Stands for an unplanned error, and repeats nothing of it."""

    code = "internal"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error is to a client."""

    status: int
    title: str
    next_step: str
    retryable: bool = False


_CHANGE = "Correct what 'errors' lists, then send it again. Keep the reference of a referral."
MEANINGS: Mapping[type[BrokerError], Meaning] = {
    Malformed: Meaning(400, "We cannot read the body", "Send one JSON document in UTF-8."),
    TooLarge: Meaning(413, "The body is too large", "Shorten the texts and leave out attachments."),
    HeadTooLarge: Meaning(
        431, "The headers are too large", "Send fewer and shorter headers, and a shorter address."
    ),
    Prohibited: Meaning(
        422,
        "The content is prohibited",
        "Take out every picture, film and link to one. Describe it in words and give its hash. "
        "We did not store the body.",
    ),
    Unsupported: Meaning(
        415,
        "The media type is not supported",
        "Send the body without compression, with the header 'Content-Type' that 'detail' names.",
    ),
    Invalid: Meaning(422, "The request is invalid", _CHANGE),
    Forbidden: Meaning(
        403, "The key lacks the scope of this call", "Use a key that has one of its scopes."
    ),
    Denied: Meaning(
        401, "The key was not accepted", "Send 'Authorization: Bearer rb_<id>_<secret>'."
    ),
    NotFound: Meaning(
        404, "Not found", "Check the ID. You can only see your own organisation's records."
    ),
    NotAllowed: Meaning(405, "The method is not allowed", "See /docs for the calls."),
    TooSlow: Meaning(408, "The request did not arrive in time", "Send it again.", retryable=True),
    ReferenceConflict: Meaning(
        409,
        "The reference was used for another document",
        "Use a new reference for a new referral.",
    ),
    Conflict: Meaning(
        409, "The request does not fit the present state", "Get the present state, then decide."
    ),
    RedirectRefused: Meaning(
        409,
        "It must not go to that agency",
        "Do what 'errors' says. Nothing was changed.",
    ),
    PolicyError: Meaning(
        409,
        "No agency matches under the current policy",
        "Ask ops to check the policy and the directory.",
    ),
    BeyondCalendar: Meaning(
        409,
        "A deadline is beyond the calendar",
        "Ask ops to add the next bank holidays or term dates to the policy.",
    ),
    CursorGone: Meaning(
        410,
        "The cursor is no longer valid",
        "Do what 'detail' says, then read on from the cursor in 'read_on'.",
    ),
    Throttled: Meaning(
        429, "Too many requests", "Wait for the seconds in Retry-After.", retryable=True
    ),
    ClockApart: Meaning(
        503,
        "The clock of this gateway is wrong",
        "Send the same request again after the seconds in Retry-After: another gateway takes it. "
        "Nothing was lost. Ops must correct the clock of this machine.",
        retryable=True,
    ),
    Misconfigured: Meaning(
        503,
        "The broker is set up wrongly",
        "Send the same request again after the seconds in Retry-After. Nothing was lost. Ops must "
        "correct the settings.",
        retryable=True,
    ),
    Unavailable: Meaning(
        503,
        "The broker is not available",
        "Send the same request again after the seconds in Retry-After. Nothing was lost.",
        retryable=True,
    ),
}
_UNEXPECTED = Meaning(
    500,
    "Something went wrong in the broker",
    "Send the same request again. If it fails again, tell ops the 'instance'.",
    retryable=True,
)
_CODES: Mapping[type, str] = {kind: kind.code for kind in MEANINGS}
KINDS: Mapping[str, Meaning] = {
    **{kind.code: means for kind, means in MEANINGS.items()},
    _Internal.code: _UNEXPECTED,
}
"""Every kind of problem by its code."""


def meaning(error: Exception) -> Meaning:
    """Return what an error is to a client: that of its nearest class in the table."""
    return KINDS[code_of(error)]


def code_of(error: Exception) -> str:
    """Return the code of the kind of problem that an error is."""
    for kind in type(error).__mro__:
        if kind in _CODES:
            return _CODES[kind]
    return _Internal.code


def problem(error: Exception, instance: str) -> dict[str, Any]:
    """Return the problem document of an error; an unplanned one repeats nothing of it."""
    code = code_of(error)
    means = KINDS[code]
    shown = error if isinstance(error, BrokerError) else _Internal(means.title)
    return {
        "type": f"{TYPES}{code}",
        "title": means.title,
        "status": means.status,
        "detail": shown.message,
        "instance": instance,
        "code": code,
        "errors": [asdict(fault) for fault in shown.faults],
        "next_step": means.next_step,
        "retryable": means.retryable,
        **_members(error),
    }


def _members(error: Exception) -> dict[str, Any]:
    """Return the further members of a kind of problem (RFC 9457, section 3.2)."""
    if isinstance(error, CursorGone):
        return {"reason": error.reason, "since": error.since, "read_on": error.read_on}
    return {}


def respond(request: Request, error: Exception) -> Response:
    """Answer a request with the problem document of an error."""
    return Response(
        orjson.dumps(problem(error, instance_of(request))),
        status_code=meaning(error).status,
        media_type=MEDIA_TYPE,
        headers=headers_of(error),
    )


def headers_of(error: Exception) -> dict[str, str]:
    """Return the headers that an error adds to its answer; ``Link`` leads to its page."""
    headers = {"Link": f'<{PATH}/{code_of(error)}>; rel="help"'}
    if isinstance(error, Throttled):
        headers["Retry-After"] = str(max(1, round(error.retry_after.total_seconds())))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = str(RETRY_SECONDS)
    elif meaning(error).status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="referral broker"'
    return headers


def instance_of(request: Request) -> str:
    """Return the name of this occurrence, which the log has as well."""
    return f"urn:uuid:{request.state.request_id}"


async def on_broker_error(request: Request, error: Exception) -> Response:
    """Answer with the problem document of an error that the broker raised on purpose."""
    if isinstance(error, Unavailable):
        _log.warning("unavailable", request_id=request.state.request_id, **error_fields(error))
    return respond(request, error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer for an address or a method that does not exist."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        response = respond(
            request, NotAllowed("This address has other methods: see the header Allow.")
        )
        response.headers.update(error.headers or {})
        return response
    if error.status_code == 404:
        return respond(request, NotFound("No call has this address."))
    return respond(request, Malformed("We cannot read the request."))


def unexpected(request: Request, error: Exception) -> Response:
    """Answer for a fault of the broker. The log gets its class; its text is never repeated."""
    _log.error("unexpected", request_id=request.state.request_id, **error_fields(error))
    return respond(request, error)
