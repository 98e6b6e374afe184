"""The pages to read: figures, what needs people, alerts, silence, a referral, search."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from broker.dashboard import (
    agencies,
    charts,
    delivery_cards,
    escalation_figures,
    version_history,
    wording,
)
from broker.dashboard.access import Visit
from broker.dashboard.confirmations import confirmation_of
from broker.dashboard.delivery_cards import DeliveryCards
from broker.dashboard.organisation_names import Names
from broker.dashboard.paths import ROOT
from broker.dashboard.pictures import referral_timeline
from broker.dashboard.pictures.day_strips import legend, small_strip
from broker.dashboard.pictures.deadline_hours import deadline_hours
from broker.dashboard.pictures.picture import Picture
from broker.dashboard.rendering import page, page_number
from broker.dashboard.snapshot import SLOT_LENGTHS
from broker.domain.actor import AGENCY, key_of, name_of
from broker.domain.codes import NoticeState
from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import ReferralId
from broker.domain.referral import ReferralStatus
from broker.errors import NotFound
from broker.flow.context import Context
from broker.ledger.statistics import WINDOWS

ABOVE_THE_FOLD = 20
"""Agencies in the first table, worst first; the others are in a second one."""
LISTED = 200
A_PAGE = 10
"""Rows of a list that is turned page by page."""
ESCALATIONS = 3
"""Escalations of a referral whose steps are drawn, those first that nobody has taken on."""
UNREFERRED_FOR = timedelta(days=7)
"""How old a daily list may be whose occurrences without a referral are shown."""


async def figures(visit: Visit) -> Response:
    """Show every figure of deadlines and of the broker itself, with its history."""
    window = _one_of(visit, "window", WINDOWS, "24h")
    slot = _one_of(visit, "slot", SLOT_LENGTHS, "1h")
    picture = await visit.desk.run(visit.desk.watch.picture, window, slot)
    now, first = picture.now, picture.agencies[:ABOVE_THE_FOLD]
    codes = [line.presence.agency for line in first]
    days = await visit.desk.run(
        visit.desk.context.ledger.pictures.daily_deadlines, now=now, agencies=codes
    )
    return page(
        "figures",
        visit=visit,
        picture=picture,
        now=now,
        health=picture.health,
        burn_down=charts.burn_down(picture.bands),
        heat=charts.heat_map(picture.heat, picture.heat_slots, visit.frame.names.of),
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
    questions = await visit.desk.run(ledger.questions.waiting_questions, now=now, limit=1)
    return page(
        "attention",
        visit=visit,
        confirmation=confirmation_of(visit),
        now=now,
        waiting=waiting,
        tasks=tasks,
        held=held,
        questions=questions,
        dead=dead,
        refused=refused,
    )


async def notices(visit: Visit) -> Response:
    """Show alerts to contacts, those that failed first of all."""
    wanted = visit.request.query_params.get("state", "")
    state = NoticeState(wanted) if wanted in [*NoticeState] else NoticeState.FAILED
    ledger = visit.desk.context.ledger
    listed = await visit.desk.run(ledger.alarms.notices, state=state, limit=LISTED)
    return page(
        "notices",
        visit=visit,
        now=visit.desk.context.clock(),
        notices=listed,
        state=state,
        states=wording.NOTICE_STATES,
        limit=LISTED,
    )


async def silent(visit: Visit) -> Response:
    """Show who is silent, since when, why that is too long, and whom to ring."""
    ledger = visit.desk.context.ledger
    silences = await visit.desk.run(ledger.activity.silences, limit=LISTED)
    now = visit.desk.context.clock()
    unreferred = await visit.desk.run(
        ledger.reconciliations.reconciliations,
        None,
        limit=LISTED,
        unreferred_since=(now - UNREFERRED_FOR).date(),
    )
    return page("silent", visit=visit, now=now, silences=silences, unreferred=unreferred)


async def questions(visit: Visit) -> Response:
    """Show what agencies have asked the police: who asked, who owes the answer and by when."""
    number, now = page_number(visit, A_PAGE), visit.desk.context.clock()
    waiting = await visit.desk.run(
        visit.desk.context.ledger.questions.waiting_questions,
        now=now,
        limit=A_PAGE,
        offset=(number - 1) * A_PAGE,
    )
    return page(
        "questions",
        visit=visit,
        now=now,
        waiting=waiting,
        number=number,
        first=(number - 1) * A_PAGE + 1,
        a_page=A_PAGE,
    )


async def referral(visit: Visit) -> Response:
    """Show everything on a referral but its content."""
    values = await visit.desk.run(_referral, visit)
    return page("referral", visit=visit, confirmation=confirmation_of(visit), **values)


def _referral(visit: Visit) -> dict[str, Any]:
    context = visit.desk.context
    id_ = ReferralId(identifier(visit.request.path_params["id"]))
    referral = context.ledger.queries.referral(None, id=id_)
    if referral is None:
        raise NotFound("No referral has this ID.")
    deliveries = referral.deliveries
    successors = {delivery.replaces: delivery for delivery in deliveries if delivery.replaces}
    events, now = context.ledger.queries.timeline(id_), context.clock()
    cards = delivery_cards.cards_of(
        deliveries,
        now=now,
        number=page_number(visit, delivery_cards.A_PAGE),
        wanted=visit.request.query_params.get("delivery", ""),
    )
    return {
        **_escalations(context, id_, now),
        "now": now,
        "referral": referral,
        "events": events,
        "actors": _actors(visit, {event.actor for event in events}),
        "versions": version_history.lines(referral, events),
        "agencies": _in_words(visit.frame.names, deliveries),
        "recalls": version_history.recalls(referral),
        "timeline": _timeline(visit, referral, now, cards),
        "cards": cards,
        "most_buttons": delivery_cards.A_PAGE,
        "successors": successors,
        "tasks": context.ledger.tasks.tasks(referral=id_, limit=LISTED),
        "linked": context.ledger.links.linked(id_, limit=LISTED),
    }


def _escalations(context: Context, referral: ReferralId, now: datetime) -> dict[str, Any]:
    """Return the running escalations about a referral, the first of them with their pictures."""
    escalations = context.ledger.alarms.escalations(referral=referral, limit=LISTED)
    pictures = [
        (escalation, escalation_figures.picture_of(context, escalation, now=now))
        for escalation in escalations[:ESCALATIONS]
    ]
    return {"escalations": escalations, "escalation_pictures": pictures}


def _timeline(
    visit: Visit, referral: ReferralStatus, now: datetime, cards: DeliveryCards
) -> Picture:
    figures = visit.desk.context.ledger.pictures.referral_timeline(
        referral.id, now=now, limit=referral_timeline.MOST_ROWS
    )
    return referral_timeline.timeline(referral, figures, now=now, href=cards.href)


def _in_words(names: Names, deliveries: Iterable[DeliveryStatus]) -> dict[str, str]:
    """Return what the history calls deliveries and organisations, by id and code."""
    organisations = {str(code): names.of(code) for code in names.ledger}
    return organisations | {str(delivery.id): names.of(delivery.agency) for delivery in deliveries}


def _actors(visit: Visit, actors: Iterable[str]) -> dict[str, str]:
    """Return how the page names each actor: a person, an organisation, the broker."""
    of = visit.frame.names.of
    names = {
        actor: of(actor.removeprefix(AGENCY))
        if actor.startswith(AGENCY)
        else visit.frame.names.person(actor)
        for actor in actors
    }
    keys = {actor: id_ for actor in names if (id_ := key_of(actor))}
    for actor, id_ in keys.items():
        if key := visit.desk.context.ledger.credentials.credential(id_):
            owner, label = visit.frame.names.of(key.organisation), key.label or key.id
            person = name_of(actor)
            whose = f"its key {label}" if not person else f"with the key {label} of {owner}"
            names[actor] = f"{person or owner} ({whose})"
    return names


async def search(visit: Visit) -> Response:
    """Find a referral by an ID or reference; lead straight to it if there is only one."""
    desk, name = visit.desk, visit.request.query_params.get("q", "").strip()[:200]
    ids = await desk.run(desk.context.ledger.monitoring.find, name) if name else []
    if len(ids) == 1:
        return RedirectResponse(f"{ROOT}/referrals/{ids[0]}#actions", 303)
    if not ids and name:
        codes = agencies.matching(visit.frame.names, name)
        if codes:
            one = f"{ROOT}/agencies/{codes[0]}"
            many = f"{ROOT}/agencies?{urlencode({'q': name})}"
            return RedirectResponse(one if len(codes) == 1 else many, 303)
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
