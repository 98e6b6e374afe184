"""The page of areas: which of them have late work, and where they lie."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from broker.dashboard.access import Visit
from broker.dashboard.pictures import area_tiles
from broker.dashboard.pictures.area_tiles import Area, Region
from broker.dashboard.rendering import page
from broker.domain.ids import OrganisationCode
from broker.policy.language.directory import Directory
from broker.policy.time.calendars import LONDON

_NOT_AGENCIES = ("police", "ops")
"""Kinds that publish or watch: no area is theirs to serve."""


async def show(visit: Visit) -> Response:
    """Show every area of the directory; of many, those of one region."""
    return page("areas", visit=visit, **await visit.desk.run(_areas, visit))


def _areas(visit: Visit) -> dict[str, Any]:
    context = visit.desk.context
    now, directory = context.clock(), context.policies.latest().directory
    serving = serving_agencies(directory, now)
    states = {state.area: state for state in context.ledger.pictures.area_states(serving, now=now)}
    areas = [
        Area(code, area.name, states.get(code)) for code, area in sorted(directory.areas.items())
    ]
    listed = area_tiles.regions(areas)
    chosen = _chosen(visit, listed, len(areas))
    shown = [area for region in chosen for area in region.areas]
    return {
        "now": now,
        "finding": area_tiles.finding(areas),
        "regions": listed,
        "chosen": chosen,
        "is_one_of_many": len(areas) > area_tiles.MOST_AT_ONCE,
        "pictures_of": {region.slug: area_tiles.area_tiles(region, now=now) for region in chosen},
        "signs": area_tiles.signs(),
        "states": area_tiles.STATES,
        "table": area_tiles.area_table(shown, now=now),
        "unroutable": context.ledger.monitoring.pipeline_status(now=now).unroutable,
    }


def serving_agencies(directory: Directory, now: datetime) -> dict[str, list[OrganisationCode]]:
    """Return the agencies of each area of the directory; an area without one is left out."""
    today, serving = now.astimezone(LONDON).date(), dict[str, list[OrganisationCode]]()
    for organisation in directory.organisations:
        if organisation.kind in _NOT_AGENCIES or not organisation.is_in_effect(today):
            continue
        for area in organisation.areas:
            serving.setdefault(area, []).append(organisation.code)
    return serving


def _chosen(visit: Visit, regions: list[Region], areas: int) -> list[Region]:
    """Return the regions to show: all, or of many areas the one that is asked for or the worst."""
    if areas <= area_tiles.MOST_AT_ONCE:
        return regions
    wanted = visit.request.query_params.get("region", "")
    worst = min(regions, key=lambda region: area_tiles.ORDER.index(region.kind))
    return [next((region for region in regions if region.slug == wanted), worst)]
