"""The calls for reports: figures for ops, without content and without references."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.admin.deadline_report import Period, as_csv, as_json, deadline_report, parse_period
from broker.errors import Fault, Invalid
from broker.gateway.responses import json_response
from broker.gateway.state import gateway_of


async def deadlines(request: Request) -> Response:
    """Return the deadline report of a period."""
    gateway, period = gateway_of(request), _period(request)
    now = gateway.context.clock()
    figures = await gateway.run(deadline_report, gateway.context.ledger, period, now=now)
    return json_response(as_json(period, figures, now=now))


async def deadlines_csv(request: Request) -> Response:
    """Return the deadline report of a period as a table for spreadsheets."""
    gateway, period = gateway_of(request), _period(request)
    now = gateway.context.clock()
    figures = await gateway.run(deadline_report, gateway.context.ledger, period, now=now)
    headers = {"Content-Disposition": 'attachment; filename="deadlines.csv"'}
    return Response(as_csv(figures), headers=headers, media_type="text/csv; charset=utf-8")


def _period(request: Request) -> Period:
    missing = [
        Fault(f"/{name}", "required", f"Give '{name}' as a date such as 2026-12-31.")
        for name in ("from", "to")
        if name not in request.query_params
    ]
    if missing:
        raise Invalid("The period is missing.", faults=missing)
    return parse_period(request.query_params["from"], request.query_params["to"])
