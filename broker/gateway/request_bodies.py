"""Bodies and queries: bounded before they are read, of one media type, and never compressed."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from broker.errors import Fault, Invalid, Malformed, TooLarge
from broker.flow.accept import refusal_of
from broker.gateway.bounds import SMALL_BODY
from broker.gateway.problems import TooSlow, Unsupported
from broker.gateway.state import gateway_of, share_of
from broker.time_limits import BODY
from schemas import documents, requests
from schemas.errors import Unreadable
from schemas.loading import Record

T = TypeVar("T")
JSON = "application/json"
NDJSON = "application/x-ndjson"
LONGEST_LIST = 200
"""Items in one answer of the calls that list."""
REQUEST_LIMIT = 4 * 1024 * 1024
"""In bytes: a thousand receipts with a note of a page each."""
BEGINNING = 32 * 1024
"""In bytes: so much is read of a body that is announced as too large."""
BULK_LIMIT = 32 * 1024 * 1024


async def read_body(request: Request, *, limit: int, media_type: str = JSON) -> bytes:
    """Return the body as it was sent, of at most ``limit`` bytes.

    Raises Unsupported, TooLarge, TooSlow or Throttled; nothing over the limit is ever held in
    memory.
    """
    _check_headers(request, media_type)
    announced = _announced(request)
    if SMALL_BODY < announced <= limit:
        _take(request, announced)
    try:
        async with asyncio.timeout(BODY):
            return await _gathered(request, BEGINNING if announced > limit else limit, limit)
    except TimeoutError as error:
        raise TooSlow(f"The body did not arrive within {BODY:g} seconds.") from error
    except ClientDisconnect as error:
        raise Malformed("The connection closed before the whole body had arrived.") from error


async def parse_body(
    request: Request, schema: Record[T], *, most_items: int = documents.LENGTH_LIMIT
) -> T:
    """Return the body as an object of a schema.

    Raises as ``read_body`` does; Malformed or Prohibited; or Invalid with every fault.
    """
    body = await read_body(request, limit=REQUEST_LIMIT)
    return await gateway_of(request).run(_loaded, body, schema, most_items)


async def parse_body_as_sent(
    request: Request, schema: Record[T], *, media_type: str = JSON
) -> tuple[T, dict[str, Any]]:
    """Return the body as an object of a schema, and as it was sent. Raises as ``parse_body``."""
    body = await read_body(request, limit=REQUEST_LIMIT, media_type=media_type)
    return await gateway_of(request).run(_both, body, schema, documents.LENGTH_LIMIT)


def number(request: Request, name: str, default: float, most: float) -> float:
    """Return a number from the query. Raises Invalid when it is no number or out of range."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        message = f"Give '{name}' as a number from 0 to {most:g}."
        raise Invalid(message, faults=[Fault(f"/{name}", "out-of-range", message)])
    return value


def limit_of(request: Request) -> int:
    """Return how many items the caller wants at most. Raises Invalid."""
    return int(number(request, "limit", LONGEST_LIST, LONGEST_LIST))


async def _gathered(request: Request, most: int, limit: int) -> bytes:
    """Return the whole body; raises TooLarge with its beginning when it is over ``most``."""
    parts, size, taken, announced = [], 0, 0, _announced(request)
    async for part in request.stream():
        size += len(part)
        if size > SMALL_BODY and not announced:
            _take(request, size - taken)
            taken = size
        parts.append(part[:most])
        if size > most:
            raise _too_large(limit, b"".join(parts)[:BEGINNING])
    return b"".join(parts)


def _take(request: Request, size: int) -> None:
    """Count a large body, or more of it, against its caller's share. Raises Throttled."""
    gateway_of(request).shares.take_body(share_of(request), size)


def _loaded(body: bytes, schema: Record[T], most_items: int) -> T:
    return _both(body, schema, most_items)[0]


def _both(body: bytes, schema: Record[T], most_items: int) -> tuple[T, dict[str, Any]]:
    try:
        document = documents.read(body, limit=REQUEST_LIMIT, most_items=most_items)
    except Unreadable as unreadable:
        raise refusal_of(unreadable) from unreadable
    loaded = requests.load(schema, document.value)
    if loaded.value is None:
        raise Invalid("The request is invalid.", faults=loaded.faults)
    return loaded.value, document.value


def _announced(request: Request) -> int:
    """Return how many bytes the sender announces; 0 when it announces none or no number."""
    length = request.headers.get("content-length", "")
    return int(length[:20]) if length.isascii() and length.isdecimal() else 0


def _check_headers(request: Request, media_type: str) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unsupported("Send the body without compression.")
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise Unsupported(f"Send the body with the header 'Content-Type: {media_type}'.")


def _too_large(limit: int, beginning: bytes) -> TooLarge:
    message = f"The body is over {limit} bytes."
    error = TooLarge(message, faults=[Fault("", "too-large", message)])
    error.beginning = beginning
    return error
