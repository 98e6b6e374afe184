"""The calls for reports: figures for ops, without content and without references."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from broker.admin import inspection_report
from broker.admin.deadline_report import Period, as_csv, as_json, deadline_report, parse_period
from broker.errors import Fault, Invalid
from broker.gateway.call import Handler
from broker.gateway.responses import json_response
from broker.gateway.state import gateway_of
from broker.ledger.inspection_reports import Tally


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


def figures_of(name: str) -> Handler:
    """Return the call for one of the reports for inspectors."""

    async def figures(request: Request) -> Response:
        """Return the report of a period."""
        now = gateway_of(request).context.clock()
        tallies = await _tallies(request, name)
        return json_response(inspection_report.as_json(_period(request), tallies, now=now))

    return figures


def csv_of(name: str) -> Handler:
    """Return the call for the same report as a table for spreadsheets."""

    async def table(request: Request) -> Response:
        """Return the report of a period as a table."""
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        text = inspection_report.as_csv(await _tallies(request, name))
        return Response(text, headers=headers, media_type="text/csv; charset=utf-8")

    return table


async def _tallies(request: Request, name: str) -> Sequence[Tally]:
    """Count one of the reports for inspectors, of one force or of all."""
    gateway, period = gateway_of(request), _period(request)
    force = request.query_params.get("force")
    return await gateway.run(
        inspection_report.inspection_report, gateway.context.ledger, name, period, force
    )


def _period(request: Request) -> Period:
    missing = [
        Fault(f"/{name}", "required", f"Give '{name}' as a date such as 2026-12-31.")
        for name in ("from", "to")
        if name not in request.query_params
    ]
    if missing:
        raise Invalid("The period is missing.", faults=missing)
    return parse_period(request.query_params["from"], request.query_params["to"])
