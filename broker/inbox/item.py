"""One referral in the inbox: the page to read, and the page for paper."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.responses import Response

from broker.admin import inbox_actions, questions
from broker.admin.inbox_actions import OpenedDelivery
from broker.domain.codes import DeliveryKind, LookKind, MemberRight, Milestone, Role
from broker.domain.delivery import DeliveryStatus
from broker.domain.escalation import Escalation
from broker.domain.ids import DeliveryId
from broker.domain.outstanding import is_past
from broker.domain.states import OPEN_DELIVERIES, DeliveryState
from broker.errors import NotFound
from broker.inbox import wording
from broker.inbox.access import Visit
from broker.inbox.changes import Change, changes
from broker.inbox.document import document, is_school
from broker.inbox.document_values import Document
from broker.inbox.items import CONFIRMATIONS
from broker.inbox.rendering import page
from broker.inbox.school import SchoolPage, school_page
from broker.policy.time.moments import by_when, moment, time_left
from schemas.codes import EscalationState


async def show(visit: Visit) -> Response:
    """Show a referral; that the person opened it is kept before."""
    values = await visit.inboxes.run(_values, visit, LookKind.OPENED)
    confirmation = CONFIRMATIONS.get(visit.request.query_params.get("done", ""))
    name = "school" if values["school"] else "item"
    return page(name, visit=visit, confirmation=confirmation, **values)


async def for_paper(visit: Visit) -> Response:
    """Show a referral for the case file; that the person printed it is kept before."""
    values = await visit.inboxes.run(_values, visit, LookKind.PRINTED)
    return page("print", visit=visit, **values)


def _values(visit: Visit, kind: LookKind) -> dict[str, Any]:
    opened = inbox_actions.open_delivery(visit.context, visit.person, delivery_id(visit), kind=kind)
    return values_of(visit, opened, is_paper=kind is LookKind.PRINTED)


def values_of(visit: Visit, opened: OpenedDelivery, *, is_paper: bool = False) -> dict[str, Any]:
    """Return what the pages about one referral show."""
    names = _names(visit, opened)
    now, state = visit.context.clock(), opened.status.state
    is_recall = opened.status.kind is DeliveryKind.RECALL
    shown = document(
        opened.view,
        now=now,
        organisations=names,
        is_paper=is_paper,
        outstanding=opened.status.outstanding,
    )
    return {
        "now": now,
        "opened": opened,
        "document": shown,
        "school": _school(opened, shown, now),
        "changes": _changes(opened, names),
        "is_recall": is_recall,
        "is_school": is_school(opened.view),
        "may_answer": visit.may(MemberRight.ANSWER) and state in _ANSWERABLE,
        "may_ask": state in questions.ASKABLE and not is_recall and bool(opened.view["content"]),
        "task": task_of(opened, visit, now),
        "is_late": bool(opened.status.outstanding.late(now)),
        "alerts": _alerts(opened),
        "copy": sum(look.kind is LookKind.PRINTED for look in opened.looks),
        "looks": looks_of(opened),
        "handler": opened.handlers[0] if opened.handlers else None,
    }


def _names(visit: Visit, opened: OpenedDelivery) -> dict[str, str]:
    """Return the names of the publisher and the agency, by code."""
    directory = visit.context.policies.latest().directory
    return {
        code: organisation.name
        for code in (opened.view["publisher"], opened.view["agency"])
        if (organisation := directory.organisation(code))
    }


def _school(opened: OpenedDelivery, shown: Document, now: datetime) -> SchoolPage | None:
    """Return the page of a school; None for others, and where nothing is shown any more."""
    if not is_school(opened.view) or shown.recall or not opened.view["content"]:
        return None
    return school_page(opened.view, shown, now=now, must_not=opened.must_not)


@dataclass(frozen=True, slots=True)
class TaskBox:
    """What is to be done next with a referral, by when, and what is known of it."""

    heading: str
    texts: list[str]
    act: str = ""
    """``take-on`` or ``decide``; empty when nothing is to be done."""
    button: str = ""
    decision: str = ""
    """By when to decide, in a sentence; empty where no decision is due."""


def task_of(opened: OpenedDelivery, visit: Visit, now: datetime) -> TaskBox:
    """Return the box at the top of a referral: the next thing to do, first."""
    status = opened.status
    has_it = _has_it(opened, visit, now)
    if status.kind is DeliveryKind.RECALL:
        return _of_recall(status, has_it, now)
    if status.state is DeliveryState.DECIDED:
        decided = wording.outcome(status.decisions[-1].outcome) if status.decisions else "Decided"
        texts = [f"Decision: {decided}.", *has_it]
        return TaskBox("You have decided", texts, "decide", "Change the decision")
    if status.state in _ENDED:
        return TaskBox(wording.STATES[status.state], has_it)
    if status.state is DeliveryState.ACKNOWLEDGED:
        return _after_taking_on(status, has_it, now)
    verb, button, meaning = _to_take_on(status, visit.person.name)
    by = _by(status, (Milestone.ACKNOWLEDGE,), now)
    return TaskBox(f"{verb}{by}", [meaning, *has_it], "take-on", button, _decision(status, now))


def _of_recall(status: DeliveryStatus, has_it: list[str], now: datetime) -> TaskBox:
    if status.state is DeliveryState.DECIDED:
        return TaskBox("Confirmed: every copy is destroyed", has_it)
    by = _by(status, (Milestone.ACKNOWLEDGE, Milestone.DECIDE), now)
    return TaskBox(f"Confirm that it is destroyed{by}", [])


def _to_take_on(status: DeliveryStatus, person: str) -> tuple[str, str, str]:
    """Return what a person does first with a delivery, the text of the button, and its meaning."""
    if status.kind is DeliveryKind.CORRECTION:
        meaning = "Saying so tells the police that you know what has changed."
        return "Read the correction", "I have read it", meaning
    if status.role is Role.COPY:
        meaning = "It is for your information: another organisation leads."
        return "Read it", "I have read it", meaning
    meaning = (
        f"Taking it on tells the police that you, {person}, have it. It does not mean that you "
        "agree with it."
    )
    return "Take it on", "Take it on", meaning


def _after_taking_on(status: DeliveryStatus, has_it: list[str], now: datetime) -> TaskBox:
    if Milestone.DECIDE not in status.due or status.kind is not DeliveryKind.REFERRAL:
        return TaskBox("Nothing more is asked of you", has_it)
    by = _by(status, (Milestone.DECIDE,), now)
    return TaskBox(f"Decide{by}", has_it, "decide", "Decide", _decision(status, now))


def _has_it(opened: OpenedDelivery, visit: Visit, now: datetime) -> list[str]:
    """Return who deals with it, in a sentence."""
    if not opened.handlers:
        return []
    handler = opened.handlers[0]
    name = "You deal" if handler.member == visit.person.id else f"{handler.name} deals"
    return [f"{name} with it, since {moment(handler.at, now)}."]


def _decision(status: DeliveryStatus, now: datetime) -> str:
    """Return by when to decide, in a sentence; empty where no decision is due."""
    if Milestone.DECIDE in status.outstanding.paused:
        return "The deadline of the decision is paused."
    due = status.outstanding.running.get(Milestone.DECIDE)
    if due is None:
        return ""
    verb = "The decision" if is_past(due, now) else "Decide"
    return f"{verb} {by_when(due, now)}."


def _by(status: DeliveryStatus, milestones: Collection[Milestone], now: datetime) -> str:
    """Return the first deadline of some milestones, after what is to be done by then."""
    outstanding = status.outstanding
    running = [due for of, due in outstanding.running.items() if of in milestones]
    if not running:
        return f": {wording.PAUSED}" if outstanding.paused & set(milestones) else ""
    due = min(running)
    colon = ":" if is_past(due, now) else ""
    return f"{colon} {by_when(due, now)}, {time_left(due, now)}"


def _alerts(opened: OpenedDelivery) -> list[Escalation]:
    """Return the alerts that somebody of the organisation can stop for it: each of them once."""
    return [
        escalation
        for escalation in opened.escalations
        if escalation.state == EscalationState.OPEN and escalation.own_until is None
    ]


@dataclass(frozen=True, slots=True)
class LookLine:
    """How often, and when first and last, somebody opened or printed a referral."""

    name: str
    what: str
    first: datetime
    last: datetime
    times: int


def looks_of(opened: OpenedDelivery) -> list[LookLine]:
    """Return who looked, each person and each way once, the last first."""
    lines: dict[tuple[UUID, LookKind], LookLine] = {}
    for look in opened.looks:
        key = (look.member, look.kind)
        line = lines.get(key) or LookLine(
            look.name, wording.LOOKS[look.kind], look.at, look.at, times=0
        )
        lines[key] = replace(line, first=look.at, times=line.times + 1)
    return list(lines.values())


def _changes(opened: OpenedDelivery, names: Mapping[str, str]) -> list[Change]:
    if opened.before is None:
        return []
    return changes(opened.before, opened.view, organisations=names)


_ENDED = (DeliveryState.RETURNED, DeliveryState.RECALLED, DeliveryState.HANDED_OVER)
_ANSWERABLE = OPEN_DELIVERIES | {DeliveryState.DECIDED}


def delivery_id(visit: Visit) -> DeliveryId:
    """Return the id of the delivery in the address. Raises NotFound when it is not an id."""
    try:
        return DeliveryId(UUID(visit.request.path_params["id"]))
    except ValueError:
        raise NotFound("There is no such referral in your inbox.") from None
