"""The calls for reports: figures for ops, without content and without references."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from broker.admin.deadline_report import Period, as_csv, as_json, deadline_report, parse_period
from broker.domain.codes import Scope
from broker.errors import Fault, Invalid
from broker.gateway.context import caller, gateway
from broker.gateway.request_bodies import answer as respond


async def deadlines(request: Request) -> Response:
    """Return the deadline report of a stretch of time."""
    await caller(request, Scope.OPS)
    here, asked = gateway(request), _asked(request)
    now = here.context.clock()
    figures = await here.run(deadline_report, here.context.ledger, asked, now=now)
    return respond(as_json(asked, figures, now=now))


async def deadlines_csv(request: Request) -> Response:
    """Return the same as a table for spreadsheets."""
    await caller(request, Scope.OPS)
    here, asked = gateway(request), _asked(request)
    now = here.context.clock()
    figures = await here.run(deadline_report, here.context.ledger, asked, now=now)
    headers = {"Content-Disposition": 'attachment; filename="deadlines.csv"'}
    return Response(as_csv(figures), headers=headers, media_type="text/csv; charset=utf-8")


def _asked(request: Request) -> Period:
    told = [
        Fault(f"/{name}", "required", f"Give '{name}' as a date such as 2026-12-31.")
        for name in ("from", "to")
        if name not in request.query_params
    ]
    if told:
        raise Invalid("The stretch of time is missing.", faults=told)
    return parse_period(request.query_params["from"], request.query_params["to"])
