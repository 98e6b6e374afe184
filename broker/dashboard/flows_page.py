"""The page of a month: how many deliveries went from which police force to which agency."""

from __future__ import annotations

from datetime import date, datetime, time

from starlette.responses import Response

from broker.dashboard.access import Visit
from broker.dashboard.pictures.month_flows import month_flows
from broker.dashboard.rendering import page
from broker.policy.time.calendars import LONDON

FIRST_YEAR = 2000
"""No month of an earlier year is shown."""


async def show(visit: Visit) -> Response:
    """Show the flows of the month that is asked for, or of the present one."""
    now = visit.desk.context.clock()
    present = now.astimezone(LONDON).date().replace(day=1)
    month = min(_month(visit.request.query_params.get("month", "")) or present, present)
    flows = await visit.desk.run(
        visit.desk.context.ledger.pictures.month_flows,
        since=_midnight(month),
        until=_midnight(_after(month)),
    )
    before = _before(month)
    return page(
        "flows",
        visit=visit,
        now=now,
        picture=month_flows(flows, month=f"{month:%B %Y}", names=visit.frame.names.of),
        month=month,
        before=before if before.year >= FIRST_YEAR else None,
        after=_after(month) if month < present else None,
        is_present=month == present,
    )


def _month(text: str) -> date | None:
    """Return the first day of a month such as ``2026-11``; None for anything else."""
    year, dash, number = text.partition("-")
    is_month = dash and len(text) == 7 and text.isascii() and (year + number).isdecimal()
    if not is_month or not FIRST_YEAR <= int(year) < date.max.year or not 1 <= int(number) <= 12:
        return None
    return date(int(year), int(number), 1)


def _after(month: date) -> date:
    year, number = divmod(month.year * 12 + month.month, 12)
    return date(year, number + 1, 1)


def _before(month: date) -> date:
    year, number = divmod(month.year * 12 + month.month - 2, 12)
    return date(year, number + 1, 1)


def _midnight(day: date) -> datetime:
    """Return the instant at which a day begins in the United Kingdom."""
    return datetime.combine(day, time(), LONDON)
