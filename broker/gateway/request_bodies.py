"""Bodies: bounded before they are read, of one media type, and never compressed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from broker.errors import Fault, Invalid, Malformed, Prohibited, TooLarge
from broker.gateway.context import gateway
from broker.gateway.problems import TooSlow, Unsupported
from schemas import documents, requests
from schemas.errors import Unreadable, UnreadableKind
from schemas.loading import Record

T = TypeVar("T")
JSON = "application/json"
NDJSON = "application/x-ndjson"
SECONDS = 20.0
"""How long a body may take to arrive."""
ASKED_LIMIT = 4 * 1024 * 1024
"""A thousand receipts with a note of a page each, in bytes."""
BULK_LIMIT = 32 * 1024 * 1024
_UNREADABLE: Mapping[UnreadableKind, type[Invalid]] = {
    UnreadableKind.MALFORMED: Malformed,
    UnreadableKind.TOO_LARGE: TooLarge,
    UnreadableKind.PROHIBITED: Prohibited,
}


async def body(request: Request, *, limit: int, media_type: str = JSON) -> bytes:
    """Return the body as it was sent, of at most ``limit`` bytes.

    Raises Unsupported, TooLarge or TooSlow; nothing over the limit is ever held in memory.
    """
    _check_headers(request, media_type)
    if _announced(request) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(SECONDS):
            return await _gathered(request, limit)
    except TimeoutError as error:
        raise TooSlow(f"The body did not arrive within {SECONDS:g} seconds.") from error
    except ClientDisconnect as error:
        raise Malformed("The body ended before its time.") from error


async def asked(
    request: Request, schema: Record[T], *, most_items: int = documents.LENGTH_LIMIT
) -> T:
    """Return the body as an object of a schema.

    Raises as ``body`` does; Malformed or Prohibited; or Invalid with every fault.
    """
    sent = await body(request, limit=ASKED_LIMIT)
    return await gateway(request).run(_loaded, sent, schema, most_items)


def number(request: Request, name: str, default: float, most: float) -> float:
    """Return a number from the query. Raises Invalid when it is none or out of range."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        told = f"Give '{name}' as a number from 0 to {most:g}."
        raise Invalid(told, faults=[Fault(f"/{name}", "out-of-range", told)])
    return value


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with a JSON value."""
    return Response(orjson.dumps(value), status, headers, JSON)


async def _gathered(request: Request, limit: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _loaded(sent: bytes, schema: Record[T], most_items: int) -> T:
    try:
        document = documents.read(sent, limit=ASKED_LIMIT, most_items=most_items)
    except Unreadable as unreadable:
        faults = unreadable.faults
        raise _UNREADABLE[unreadable.kind](faults[0].message, faults=faults) from unreadable
    loaded = requests.load(schema, document.value)
    if loaded.value is None:
        raise Invalid("The request is invalid.", faults=loaded.faults)
    return loaded.value


def _announced(request: Request) -> int:
    """Return how many bytes the sender says will come; 0 when that is not said or no number."""
    length = request.headers.get("content-length", "")
    return int(length[:20]) if length.isascii() and length.isdecimal() else 0


def _check_headers(request: Request, media_type: str) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unsupported("Compressed bodies are not taken: send it as it is.")
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise Unsupported(f"Send the body as {media_type}.")


def _too_large(limit: int) -> TooLarge:
    told = f"The body is over {limit} bytes."
    return TooLarge(told, faults=[Fault("", "too-large", told)])
