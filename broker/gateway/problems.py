"""Errors as problem documents (RFC 9457): one table says what each error means to a client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from broker.errors import (
    BrokerError,
    Conflict,
    Denied,
    Invalid,
    Malformed,
    NotFound,
    PolicyError,
    Prohibited,
    ReferenceConflict,
    Throttled,
    TooLarge,
    Unavailable,
)
from broker.telemetry import error_fields, logger

TYPES = "https://referral-broker.example.org/problems/"
"""Stable names of the kinds of problem; docs/errors.md explains each one."""
MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2
_log = logger("gateway")


class Forbidden(Denied):
    """The key is good, but not for this call."""

    code = "forbidden"


class Unsupported(Invalid):
    """The body is of a media type or an encoding that is not taken."""

    code = "unsupported-media-type"


class TooSlow(BrokerError):
    """The body did not arrive in time."""

    code = "too-slow"


class NotAllowed(BrokerError):
    """The address exists, but not for this method."""

    code = "method-not-allowed"


class _Internal(BrokerError):
    """Stands for whatever nobody planned, and says nothing of it."""

    code = "internal"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error is to a client."""

    status: int
    title: str
    next_step: str
    retryable: bool = False


_CHANGE = (
    "Change what 'errors' lists, then send it again; a referral under the same reference as before."
)
MEANINGS: Mapping[type[BrokerError], Meaning] = {
    Malformed: Meaning(400, "The body cannot be read", "Send one JSON document in UTF-8."),
    TooLarge: Meaning(413, "The body is too large", "Shorten the texts; send no attachments."),
    Prohibited: Meaning(
        422,
        "The content may not be carried",
        "Take out every picture, film and link to one; describe it in words and give its hash. "
        "The body was not kept.",
    ),
    Unsupported: Meaning(
        415, "The media type is not taken", "Send JSON that is not compressed, and say so."
    ),
    Invalid: Meaning(422, "The request is invalid", _CHANGE),
    Forbidden: Meaning(403, "The key may not do this", "Use a key with the scope of this call."),
    Denied: Meaning(
        401, "The key is not accepted", "Send 'Authorization: Bearer rb_<id>_<secret>'."
    ),
    NotFound: Meaning(404, "There is no such thing", "Check the id; it may belong to others."),
    NotAllowed: Meaning(405, "The method does not exist here", "See /docs for the calls."),
    TooSlow: Meaning(408, "The body did not arrive in time", "Send it again.", retryable=True),
    ReferenceConflict: Meaning(
        409, "The reference holds other content", "Use a new reference for a new referral."
    ),
    Conflict: Meaning(409, "The request contradicts the ledger", "Look at its state first."),
    PolicyError: Meaning(
        409, "The policy has no answer", "Ask ops: the directory may lack an organisation."
    ),
    Throttled: Meaning(
        429, "Too many requests", "Wait as long as Retry-After says.", retryable=True
    ),
    Unavailable: Meaning(
        503,
        "The broker is not available",
        "Send the same request again after Retry-After; nothing was lost.",
        retryable=True,
    ),
}
_UNEXPECTED = Meaning(
    500,
    "Something went wrong here",
    "Send the same request again; if it fails again, tell ops the instance.",
    retryable=True,
)


def meaning(error: Exception) -> Meaning:
    """Return what an error is to a client: that of its nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in MEANINGS:
            return MEANINGS[kind]
    return _UNEXPECTED


def problem(error: Exception, instance: str) -> dict[str, Any]:
    """Return the problem document of an error; an unexpected one says nothing of itself."""
    what = meaning(error)
    told = error if isinstance(error, BrokerError) else _Internal(what.title)
    return {
        "type": f"{TYPES}{told.code}",
        "title": what.title,
        "status": what.status,
        "detail": told.message,
        "instance": instance,
        "code": told.code,
        "errors": [asdict(fault) for fault in told.faults],
        "next_step": what.next_step,
        "retryable": what.retryable,
    }


def respond(request: Request, error: Exception) -> Response:
    """Answer a request with the problem document of an error."""
    what = meaning(error)
    headers = {}
    if isinstance(error, Throttled):
        headers["Retry-After"] = str(max(1, round(error.retry_after.total_seconds())))
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = str(RETRY_SECONDS)
    elif what.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="referral broker"'
    return Response(
        orjson.dumps(problem(error, instance_of(request))),
        status_code=what.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def instance_of(request: Request) -> str:
    """Return the name of this occurrence, which also stands in the log."""
    return f"urn:uuid:{request.state.request_id}"


async def on_broker_error(request: Request, error: Exception) -> Response:
    """Answer with what the broker says is wrong."""
    if isinstance(error, Unavailable):
        _log.warning("unavailable", request_id=request.state.request_id, **error_fields(error))
    return respond(request, error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: no such address, no such method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        answer = respond(request, NotAllowed("This address has other methods."))
        answer.headers.update(error.headers or {})
        return answer
    if error.status_code == 404:
        return respond(request, NotFound("There is no such address."))
    return respond(request, Malformed("The request cannot be read."))


def unexpected(request: Request, error: Exception) -> Response:
    """Answer for a fault of ours: the log gets its class, nobody gets its text."""
    _log.error("unexpected", request_id=request.state.request_id, **error_fields(error))
    return respond(request, error)
