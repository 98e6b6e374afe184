"""The pages to read: status, attention, an agency, a referral, search."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from broker.dashboard import charts, escalation_figures, version_history, wording
from broker.dashboard.access import Visit
from broker.dashboard.paths import ROOT
from broker.dashboard.pictures import referral_timeline
from broker.dashboard.pictures.day_strips import day_strips, legend, small_strip
from broker.dashboard.pictures.deadline_hours import deadline_hours
from broker.dashboard.pictures.picture import Picture
from broker.dashboard.rendering import page
from broker.dashboard.snapshot import SLOT_LENGTHS, agency_lines
from broker.domain.codes import NoticeState
from broker.domain.ids import CredentialId, OrganisationCode, ReferralId
from broker.domain.referral import ReferralStatus
from broker.errors import NotFound, PolicyError
from broker.ledger.statistics import WINDOWS
from broker.policy.language.directory import Organisation

ABOVE_THE_FOLD = 20
"""Agencies in the first table, worst first; the others are in a second one."""
LISTED = 200
QUEUE = 50
ESCALATIONS = 3
"""Escalations of a referral whose steps are drawn, those first that nobody has taken on."""
KEY = "key:"
"""How the history names an organisation's key as the actor."""
CONFIRMATIONS = {
    "replayed": "The delivery is back in its agency's queue.",
    "released": "The delivery is offered to its agency now.",
    "kept": "The delivery stays held; the history says why.",
    "extended": "The delivery is held until the new end.",
    "sent-on": "The delivery was redirected.",
    "settled": "The task is settled.",
    "acknowledged": "You have taken this on. We have stopped alerting other people.",
    "paused": "Delivery to this agency is suspended. Its deadlines run on.",
    "resumed": "Delivery to this agency has resumed.",
    "corrected": "The cause was corrected. The history keeps the first one.",
    "rerouted": "The referral is being routed again.",
    "areas-given": "The area was added. The referral is being routed.",
}
"""What is shown after an action, by its key."""


async def status(visit: Visit) -> Response:
    """Show what is late, what is due soon, and why."""
    window = _one_of(visit, "window", WINDOWS, "24h")
    slot = _one_of(visit, "slot", SLOT_LENGTHS, "1h")
    picture = await visit.desk.run(visit.desk.watch.picture, window, slot)
    now, first = picture.now, picture.agencies[:ABOVE_THE_FOLD]
    codes = [line.presence.agency for line in first]
    days = await visit.desk.run(
        visit.desk.context.ledger.pictures.daily_deadlines, now=now, agencies=codes
    )
    return page(
        "status",
        visit=visit,
        confirmation=_confirmation(visit),
        picture=picture,
        now=now,
        health=picture.health,
        urgent=wording.most_urgent(next(iter(picture.risks), None), picture.names, now),
        burn_down=charts.burn_down(picture.bands),
        heat=charts.heat_map(picture.heat, picture.heat_slots),
        timeline=charts.timeline(picture.breaches, now=now, since=now - timedelta(days=1)),
        deadline_hours=deadline_hours(picture.hours),
        window=window,
        windows=list(WINDOWS),
        slot=slot,
        first=first,
        strips={code: small_strip(f"days-{code}", days[code]) for code in codes},
        strip_signs=legend(),
        rest=picture.agencies[ABOVE_THE_FOLD:],
    )


async def attention(visit: Visit) -> Response:
    """Show referrals that need ops, and undeliverable deliveries by cause."""
    ledger, now = visit.desk.context.ledger, visit.desk.context.clock()
    waiting = await visit.desk.run(ledger.queries.attention, limit=LISTED)
    dead = await visit.desk.run(ledger.monitoring.dead_letters)
    refused = await visit.desk.run(ledger.queries.refusals, None, limit=20)
    tasks = await visit.desk.run(ledger.tasks.tasks, limit=LISTED)
    held = await visit.desk.run(ledger.embargoes.embargoes, limit=LISTED)
    return page(
        "attention",
        visit=visit,
        confirmation=_confirmation(visit),
        now=now,
        waiting=waiting,
        tasks=tasks,
        held=held,
        dead=dead,
        refused=refused,
    )


async def notices(visit: Visit) -> Response:
    """Show alerts to contacts, those that failed first of all."""
    wanted = visit.request.query_params.get("state", "")
    state = NoticeState(wanted) if wanted in [*NoticeState] else NoticeState.FAILED
    ledger = visit.desk.context.ledger
    listed = await visit.desk.run(ledger.alarms.notices, state=state, limit=LISTED)
    codes = {notice.organisation for notice in listed}
    return page(
        "notices",
        visit=visit,
        now=visit.desk.context.clock(),
        notices=listed,
        organisations={code: _organisation(visit, code) for code in codes},
        state=state,
        names=wording.NOTICE_STATES,
        limit=LISTED,
    )


async def agency(visit: Visit) -> Response:
    """Show one agency: its queue, its times and its contacts."""
    code = OrganisationCode(visit.request.path_params["code"])
    values = await visit.desk.run(_agency, visit, code)
    return page("agency", visit=visit, confirmation=_confirmation(visit), code=code, **values)


def _agency(visit: Visit, code: OrganisationCode) -> dict[str, Any]:
    context = visit.desk.context
    ledger, now = context.ledger, context.clock()
    if code not in ledger.monitoring.organisation_status():
        raise NotFound("No agency has this code.")
    day = timedelta(days=1)
    breaches = ledger.monitoring.breaches(now=now, since=now - 7 * day, limit=20, agency=code)
    return {
        "now": now,
        "line": agency_lines(context, "24h", now=now, agency=code)[0],
        "queue": ledger.monitoring.at_risk(now=now, limit=QUEUE, agency=code, everything=True),
        "burn_down": charts.burn_down(ledger.monitoring.burn_down(now=now, agency=code)),
        "bands": ledger.monitoring.burn_down(now=now, agency=code),
        "times": ledger.statistics.latencies(WINDOWS, now=now, agency=code),
        "met": ledger.statistics.deadline_counts(WINDOWS, now=now, agency=code),
        "windows": list(WINDOWS),
        "breaches": breaches,
        "timeline": charts.timeline(breaches, now=now, since=now - 7 * day),
        "day_strips": day_strips(ledger.pictures.daily_deadlines(now=now, agencies=[code])[code]),
        "actions": ledger.operator_actions.acts_of_agency(code, limit=20),
        "escalations": ledger.alarms.escalations(agency=code, limit=QUEUE),
        "organisation": _organisation(visit, code),
        "is_open": _is_open(visit, code, now),
    }


def _organisation(visit: Visit, code: str) -> Organisation | None:
    """Return the agency's entry in the current directory, if it still has one."""
    try:
        return visit.desk.context.policies.latest().directory.organisation(code)
    except PolicyError:
        return None


def _is_open(visit: Visit, code: str, now: datetime) -> bool | None:
    """Tell whether the agency is open; None if the directory or its calendar does not know."""
    organisation = _organisation(visit, code)
    return organisation.is_open(now) if organisation else None


async def referral(visit: Visit) -> Response:
    """Show everything on a referral but its content."""
    values = await visit.desk.run(_referral, visit)
    return page("referral", visit=visit, confirmation=_confirmation(visit), **values)


def _referral(visit: Visit) -> dict[str, Any]:
    context = visit.desk.context
    id_ = ReferralId(identifier(visit.request.path_params["id"]))
    referral = context.ledger.queries.referral(None, id=id_)
    if referral is None:
        raise NotFound("No referral has this ID.")
    deliveries = referral.deliveries
    successors = {delivery.replaces: delivery for delivery in deliveries if delivery.replaces}
    events, now = context.ledger.queries.timeline(id_), context.clock()
    escalations = context.ledger.alarms.escalations(referral=id_, limit=LISTED)
    return {
        "now": now,
        "referral": referral,
        "events": events,
        "actors": _actors(visit, {event.actor for event in events}),
        "versions": version_history.lines(referral, events),
        "agencies": {str(delivery.id): delivery.agency for delivery in deliveries},
        "recalls": version_history.recalls(referral),
        "timeline": _timeline(visit, referral, now),
        "escalations": escalations,
        "escalation_pictures": [
            (escalation, escalation_figures.picture_of(context, escalation, now=now))
            for escalation in escalations[:ESCALATIONS]
        ],
        "successors": successors,
        "tasks": context.ledger.tasks.tasks(referral=id_, limit=LISTED),
    }


def _timeline(visit: Visit, referral: ReferralStatus, now: datetime) -> Picture:
    figures = visit.desk.context.ledger.pictures.referral_timeline(
        referral.id, now=now, limit=referral_timeline.MOST_ROWS
    )
    return referral_timeline.timeline(referral, figures, now=now)


def _actors(visit: Visit, actors: Iterable[str]) -> dict[str, str]:
    """Return how the page names each actor: a person, an organisation, the broker."""
    names = {actor: actor.removeprefix("person:").removeprefix("agency:") for actor in actors}
    for actor in [name for name in names if name.startswith(KEY)]:
        id_ = CredentialId(actor.removeprefix(KEY))
        key = visit.desk.context.ledger.credentials.credential(id_)
        if key:
            names[actor] = f"{key.organisation} (its key {key.label or key.id})"
    return names


async def search(visit: Visit) -> Response:
    """Find a referral by an ID or reference; lead straight to it if there is only one."""
    desk, name = visit.desk, visit.request.query_params.get("q", "").strip()[:200]
    ids = await desk.run(desk.context.ledger.monitoring.find, name) if name else []
    if len(ids) == 1:
        return RedirectResponse(f"{ROOT}/referrals/{ids[0]}#actions", 303)
    find = desk.context.ledger.queries.referral
    referrals = [await desk.run(find, None, id=id_) for id_ in ids]
    return page("search", visit=visit, name=name, referrals=[*filter(None, referrals)])


def identifier(text: str) -> UUID:
    """Return the ID in an address. Raises NotFound when it is not an ID."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("Nothing has this ID.") from None


def _one_of(visit: Visit, name: str, known: Any, default: str) -> str:
    choice = visit.request.query_params.get(name, default)
    return choice if choice in known else default


def _confirmation(visit: Visit) -> str | None:
    return CONFIRMATIONS.get(visit.request.query_params.get("done", ""))
