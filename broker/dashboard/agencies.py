"""The list of all organisations of the directory, to be searched, and the page of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from broker.dashboard import charts, duty
from broker.dashboard.access import Visit
from broker.dashboard.confirmations import confirmation_of
from broker.dashboard.organisation_names import CHANNELS, Names
from broker.dashboard.pictures.day_strips import day_strips
from broker.dashboard.rendering import page, page_number
from broker.dashboard.snapshot import agency_lines
from broker.domain.ids import OrganisationCode
from broker.domain.monitoring import AgencyPage, AgencySearch
from broker.errors import NotFound
from broker.ledger.statistics import WINDOWS

A_PAGE = 10
QUEUE = 50
SHOWN: Mapping[str, str] = {
    "": "All, worst first",
    "late": "Late",
    "soon": "Late or due soon",
    "silent": "Silent",
    "suspended": "Delivery suspended",
    "retrying": "Not getting through",
}


async def listed(visit: Visit) -> Response:
    """Show the organisations that a search matches, worst first."""
    asked = visit.request.query_params
    text = asked.get("q", "").strip()[:100]
    kind = asked.get("kind", "")
    show = asked.get("show", "") if asked.get("show", "") in SHOWN else ""
    number = page_number(visit, A_PAGE)
    names = visit.frame.names
    now = visit.desk.context.clock()
    found: AgencyPage = await visit.desk.run(
        visit.desk.context.ledger.monitoring.agencies,
        AgencySearch(text.lower(), matching(names, text) if text else None, kind or None, show),
        now=now,
        limit=A_PAGE,
        offset=(number - 1) * A_PAGE,
    )
    choice = {"q": text, "kind": kind, "show": show}
    return page(
        "agencies",
        visit=visit,
        now=now,
        found=found,
        choice=choice,
        kinds=_kinds(names),
        shown=SHOWN,
        first=(number - 1) * A_PAGE + 1,
        number=number,
        turn=lambda to: "?" + urlencode({**choice, "page": to}),
        a_page=A_PAGE,
        channels=CHANNELS,
    )


def matching(names: Names, text: str) -> list[str]:
    """Return the organisations whose name, code or place has a text in it."""
    if names.directory is None:
        return []
    wanted, directory = text.casefold(), names.directory
    places = {code for code in directory.areas if wanted in directory.area_name(code).casefold()}
    return [
        organisation.code
        for organisation in directory.organisations
        if wanted in organisation.name.casefold()
        or wanted in organisation.code
        or not places.isdisjoint(organisation.areas)
    ]


def _kinds(names: Names) -> Mapping[str, str]:
    """Return the kinds that organisations of the directory have, by name."""
    directory = names.directory
    codes = [code for code in directory.kinds if directory.has_kind(code)] if directory else []
    return dict(sorted(((code, names.kind(code)) for code in codes), key=lambda pair: pair[1]))


async def show(visit: Visit) -> Response:
    """Show one organisation: whom to ring, what is late, its queue, its times and its entry."""
    code = OrganisationCode(visit.request.path_params["code"])
    values = await visit.desk.run(_agency, visit, code)
    return page("agency", visit=visit, confirmation=confirmation_of(visit), code=code, **values)


def _agency(visit: Visit, code: OrganisationCode) -> dict[str, Any]:
    context = visit.desk.context
    ledger, now = context.ledger, context.clock()
    status = ledger.monitoring.organisation_status()
    if code not in status:
        raise NotFound("No agency has this code.")
    day = timedelta(days=1)
    breaches = ledger.monitoring.breaches(now=now, since=now - 7 * day, limit=20, agency=code)
    urgent = ledger.monitoring.urgent_work(now=now, limit=1, each=QUEUE, agency=code)
    bands = ledger.monitoring.burn_down(now=now, agency=code)
    return {
        "now": now,
        "duty": duty,
        "status": status,
        "urgent": next(iter(urgent.agencies), None),
        "line": agency_lines(context, "28d", now=now, agency=code)[0],
        "queue": ledger.monitoring.at_risk(now=now, limit=QUEUE, agency=code, everything=True),
        "burn_down": charts.burn_down(bands),
        "bands": bands,
        "times": ledger.statistics.latencies(WINDOWS, now=now, agency=code),
        "met": ledger.statistics.deadline_counts(WINDOWS, now=now, agency=code),
        "windows": list(WINDOWS),
        "breaches": breaches,
        "timeline": charts.timeline(breaches, now=now, since=now - 7 * day),
        "day_strips": day_strips(ledger.pictures.daily_deadlines(now=now, agencies=[code])[code]),
        "actions": ledger.operator_actions.acts_of_agency(code, limit=20),
        "escalations": ledger.alarms.escalations(agency=code, limit=QUEUE),
        "silences": [s for s in ledger.activity.silences(limit=1000) if s.organisation == code],
        "organisation": visit.frame.names.organisation(code),
        "is_open": _is_open(visit, code, now),
        "channels": CHANNELS,
    }


def _is_open(visit: Visit, code: str, now: datetime) -> bool | None:
    """Tell whether the agency is open; None if the directory or its calendar does not know."""
    organisation = visit.frame.names.organisation(code)
    return organisation.is_open(now) if organisation else None
