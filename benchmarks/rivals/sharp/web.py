"""Its web handler: one INSERT and one push a POST, and one UPDATE an answer."""

from __future__ import annotations

import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import orjson
from psycopg.errors import UniqueViolation
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.rivals.sharp.tables import ANSWER, INSERT_REFERRAL

WAITING = "sharp.waiting"
"""The list of ids that no worker has taken."""


async def publish(request: Request) -> Response:
    """Take in a referral."""
    if not _is_known(request):
        return _json({"error": "unknown key"}, 401)
    body = await request.body()
    id_, reference = uuid4(), orjson.loads(body)["reference"]
    try:
        async with request.state.pool.connection() as connection:
            await connection.execute(INSERT_REFERRAL, (id_, reference, body.decode()))
    except UniqueViolation:
        return _json({"error": "this reference was used before"}, 409)
    await request.state.queue.lpush(WAITING, id_.bytes)
    return _json({"id": str(id_), "reference": reference}, 202)


async def answer(request: Request) -> Response:
    """Take in an agency's answer about one delivery."""
    if not _is_known(request):
        return _json({"error": "unknown key"}, 401)
    given = orjson.loads(await request.body())
    async with request.state.pool.connection() as connection:
        cursor = await connection.execute(ANSWER, (given["outcome"], UUID(given["delivery"])))
        is_recorded = await cursor.fetchone() is not None
    return _json({"recorded": is_recorded})


async def livez(_: Request) -> Response:
    """Say that it runs."""
    return Response("ok")


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
    queue = Redis.from_url(os.environ["SHARP_QUEUE"])
    async with AsyncConnectionPool(os.environ["SHARP_DATABASE"], min_size=8, max_size=8) as pool:
        yield {"pool": pool, "queue": queue}
    await queue.aclose()


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _is_known(request: Request) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given, f"Bearer {os.environ['SHARP_KEY']}")


app = Starlette(
    routes=[
        Route("/referrals", publish, methods=["POST"]),
        Route("/answers", answer, methods=["POST"]),
        Route("/livez", livez),
    ],
    lifespan=_lifespan,
)
