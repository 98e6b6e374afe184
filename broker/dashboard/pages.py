"""The pages that show: status, attention, an agency, a referral, search."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from broker.dashboard import charts, version_history, wording
from broker.dashboard.access import Visit
from broker.dashboard.paths import ROOT
from broker.dashboard.rendering import page
from broker.dashboard.snapshot import SLOT_LENGTHS, agency_lines
from broker.domain.ids import CredentialId, OrganisationCode, ReferralId
from broker.errors import NotFound, PolicyError
from broker.ledger.statistics import WINDOWS
from broker.policy.language.directory import Organisation

ABOVE_THE_FOLD = 20
"""Agencies in the first table, worst first; the others are a click away."""
LISTED = 200
QUEUE = 50
KEY = "key:"
"""How the history names what was done with an organisation's key."""
DONE = {
    "replayed": "The delivery is back in its agency's queue.",
    "sent-on": "The delivery was sent on.",
    "acknowledged": "You see to this escalation: nobody else is being alarmed.",
    "paused": "Delivery to this agency is paused. Its deadlines run on.",
    "resumed": "Delivery to this agency goes on.",
    "corrected": "The cause was corrected. What the broker had found stays in the history.",
    "rerouted": "The referral is being routed again.",
    "areas-given": "The area was given; the referral is being routed.",
}
"""What is said after an act."""


async def status(visit: Visit) -> Response:
    """Show who is late, who is about to be, and why."""
    window = _one_of(visit, "window", WINDOWS, "24h")
    slot = _one_of(visit, "slot", SLOT_LENGTHS, "1h")
    picture = await visit.desk.run(visit.desk.watch.picture, window, slot)
    now = picture.now
    return page(
        "status",
        visit=visit,
        said=_said(visit),
        picture=picture,
        now=now,
        sentence=wording.status(picture.counts, picture.unacknowledged, picture.names, now),
        burn_down=charts.burn_down(picture.bands),
        heat=charts.heat_map(picture.heat, picture.heat_slots),
        timeline=charts.timeline(picture.breaches, now=now, since=now - timedelta(days=1)),
        window=window,
        windows=list(WINDOWS),
        slot=slot,
        first=picture.agencies[:ABOVE_THE_FOLD],
        rest=picture.agencies[ABOVE_THE_FOLD:],
    )


async def attention(visit: Visit) -> Response:
    """Show what no agency owns, and what cannot be delivered by its cause."""
    ledger, now = visit.desk.context.ledger, visit.desk.context.clock()
    waiting = await visit.desk.run(ledger.queries.attention, limit=LISTED)
    dead = await visit.desk.run(ledger.monitoring.dead_letters)
    refused = await visit.desk.run(ledger.queries.refusals, None, limit=20)
    return page(
        "attention",
        visit=visit,
        said=_said(visit),
        now=now,
        waiting=waiting,
        dead=dead,
        refused=refused,
    )


async def agency(visit: Visit) -> Response:
    """Show one agency: its queue, its times, its contacts; and let delivery to it be paused."""
    code = OrganisationCode(visit.request.path_params["code"])
    found = await visit.desk.run(_agency, visit, code)
    return page("agency", visit=visit, said=_said(visit), code=code, **found)


def _agency(visit: Visit, code: OrganisationCode) -> dict[str, Any]:
    context = visit.desk.context
    ledger, now = context.ledger, context.clock()
    if code not in ledger.monitoring.organisation_status():
        raise NotFound("There is no agency with this code.")
    day = timedelta(days=1)
    kept = ledger.statistics.deadline_counts(WINDOWS, now=now, agency=code)
    breaches = ledger.monitoring.breaches(now=now, since=now - 7 * day, limit=20, agency=code)
    return {
        "now": now,
        "line": agency_lines(context, "24h", now=now, agency=code)[0],
        "queue": ledger.monitoring.at_risk(now=now, limit=QUEUE, agency=code, everything=True),
        "burn_down": charts.burn_down(ledger.monitoring.burn_down(now=now, agency=code)),
        "bands": ledger.monitoring.burn_down(now=now, agency=code),
        "times": ledger.statistics.latencies(WINDOWS, now=now, agency=code),
        "kept": kept,
        "windows": list(WINDOWS),
        "breaches": breaches,
        "timeline": charts.timeline(breaches, now=now, since=now - 7 * day),
        "acts": ledger.operator_actions.acts_of_agency(code, limit=20),
        "escalations": ledger.alarms.escalations(agency=code, limit=QUEUE),
        "organisation": _organisation(visit, code),
        "is_open": _is_open(visit, code, now),
    }


def _organisation(visit: Visit, code: str) -> Organisation | None:
    """Return the agency's entry in the directory in force, if it still has one."""
    try:
        return visit.desk.context.policies.latest().directory.organisation(code)
    except PolicyError:
        return None


def _is_open(visit: Visit, code: str, now: datetime) -> bool | None:
    """Tell whether somebody is there; None where the directory or its calendar cannot say."""
    found = _organisation(visit, code)
    try:
        return found.is_open(now) if found else None
    except PolicyError:
        return None


async def referral(visit: Visit) -> Response:
    """Show everything about a referral but its content."""
    found = await visit.desk.run(_referral, visit)
    return page("referral", visit=visit, said=_said(visit), **found)


def _referral(visit: Visit) -> dict[str, Any]:
    context = visit.desk.context
    id_ = ReferralId(identifier(visit.request.path_params["id"]))
    found = context.ledger.queries.referral(None, id=id_)
    if found is None:
        raise NotFound("There is no referral with this id.")
    successors = {delivery.replaces: delivery for delivery in found.deliveries if delivery.replaces}
    events = context.ledger.queries.timeline(id_)
    return {
        "now": context.clock(),
        "referral": found,
        "events": events,
        "actors": _actors(visit, {event.actor for event in events}),
        "versions": version_history.lines(found, events),
        "agencies": {str(delivery.id): delivery.agency for delivery in found.deliveries},
        "recalls": version_history.recalls(found),
        "escalations": context.ledger.alarms.escalations(referral=id_, limit=LISTED),
        "successors": successors,
    }


def _actors(visit: Visit, actors: Iterable[str]) -> dict[str, str]:
    """Return how the history's page names who acted: a person, an organisation, the broker."""
    names = {actor: actor.removeprefix("person:").removeprefix("agency:") for actor in actors}
    for actor in [name for name in names if name.startswith(KEY)]:
        found = visit.desk.context.ledger.credentials.credential(
            CredentialId(actor.removeprefix(KEY))
        )
        if found:
            names[actor] = f"{found.organisation} (its key {found.label or found.id})"
    return names


async def search(visit: Visit) -> Response:
    """Find a referral by any of its names; lead straight to the only one there is."""
    asked = visit.request.query_params.get("q", "").strip()[:200]
    found = await visit.desk.run(visit.desk.context.ledger.monitoring.find, asked) if asked else []
    if len(found) == 1:
        return RedirectResponse(f"{ROOT}/referrals/{found[0]}#actions", 303)
    seen = [
        await visit.desk.run(visit.desk.context.ledger.queries.referral, None, id=id_)
        for id_ in found
    ]
    return page("search", visit=visit, asked=asked, found=[one for one in seen if one])


def identifier(text: str) -> UUID:
    """Return the id in an address. Raises NotFound when it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is nothing under this id.") from None


def _one_of(visit: Visit, name: str, known: Any, default: str) -> str:
    asked = visit.request.query_params.get(name, default)
    return asked if asked in known else default


def _said(visit: Visit) -> str | None:
    return DONE.get(visit.request.query_params.get("done", ""))
