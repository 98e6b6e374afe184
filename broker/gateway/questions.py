"""The calls about what agencies ask: list the questions, and answer one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.admin import questions
from broker.errors import Fault, Invalid
from broker.gateway import responses
from broker.gateway.request_bodies import limit_of, parse_body
from broker.gateway.responses import json_response
from broker.gateway.state import caller_of, gateway_of, identifier
from schemas import requests

_STATES = ("open", "all")


async def listed(request: Request) -> Response:
    """Return the questions about the caller's own referrals, or all of them for ops."""
    caller, gateway = caller_of(request), gateway_of(request)
    state = request.query_params.get("state", "open")
    if state not in _STATES:
        message = f"Write one of {', '.join(_STATES)}."
        raise Invalid(message, faults=[Fault("/state", "unknown-code", message)])
    asked = await gateway.run(
        gateway.context.ledger.questions.questions,
        publisher=caller.sees,
        is_open=state == "open",
        limit=limit_of(request),
    )
    return json_response({"questions": [responses.question(question) for question in asked]})


async def answer(request: Request) -> Response:
    """Answer a question about one of the caller's own referrals."""
    caller, gateway = caller_of(request), gateway_of(request)
    body, id_ = await parse_body(request, requests.ANSWER), identifier(request)
    question = await gateway.run(
        questions.answer, gateway.context, caller.organisation, id_, body, actor=caller.actor
    )
    return json_response(responses.question(question))
