"""Its web handler: one INSERT and one ``delay()`` a POST, and one UPDATE an answer."""

from __future__ import annotations

import hmac
import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.rivals.weekend.tables import Delivery, Referral, session
from benchmarks.rivals.weekend.tasks import process


async def publish(request: Request) -> Response:
    """Take in a referral."""
    if not _is_known(request):
        return JSONResponse({"error": "unknown key"}, 401)
    document = await request.json()
    try:
        return JSONResponse(await run_in_threadpool(_keep, document), 202)
    except IntegrityError:
        return JSONResponse({"error": "this reference was used before"}, 409)


async def answer(request: Request) -> Response:
    """Take in an agency's answer about one delivery."""
    if not _is_known(request):
        return JSONResponse({"error": "unknown key"}, 401)
    told = await request.json()
    done = await run_in_threadpool(_answered, UUID(told["delivery"]), told["outcome"])
    return JSONResponse({"recorded": done})


async def livez(_: Request) -> Response:
    """Say that it runs."""
    return Response("ok")


def _keep(document: dict[str, Any]) -> dict[str, str]:
    with session() as open_session:
        referral = Referral(reference=document["reference"], body=document)
        open_session.add(referral)
        open_session.commit()
    process.delay(str(referral.id))
    return {"id": str(referral.id), "reference": referral.reference}


def _answered(delivery: UUID, outcome: str) -> bool:
    changed = (
        update(Delivery)
        .where(Delivery.id == delivery, Delivery.state == "sent")
        .values(state="answered", outcome=outcome, answered_at=datetime.now(UTC))
        .returning(Delivery.id)
    )
    with session() as open_session:
        done = open_session.execute(changed).first() is not None
        open_session.commit()
    return done


def _is_known(request: Request) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given, f"Bearer {os.environ['WEEKEND_KEY']}")


app = Starlette(
    routes=[
        Route("/referrals", publish, methods=["POST"]),
        Route("/answers", answer, methods=["POST"]),
        Route("/livez", livez),
    ]
)
