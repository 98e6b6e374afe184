"""The first page for ops: what is worst, what to do about it, and whom to ring."""

from __future__ import annotations

from starlette.responses import Response

from broker.dashboard import duty
from broker.dashboard.access import Visit
from broker.dashboard.rendering import page


async def show(visit: Visit) -> Response:
    """Show what is worst, what to do about it, and whom to ring."""
    figures = await visit.desk.run(visit.desk.watch.duty)
    names = visit.frame.names
    first = next(iter(figures.urgent.agencies), None)
    return page(
        "duty",
        visit=visit,
        figures=figures,
        now=figures.now,
        health=figures.health,
        lead=duty.group_sentence(first, names) if first else "",
        worst=first,
        duty=duty,
    )
