"""Escalations: who is alerted and when, and taking them on, for longer, handing over, undoing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from starlette.responses import RedirectResponse, Response

from broker.admin import escalation_actions
from broker.dashboard import escalation_figures
from broker.dashboard.access import Visit
from broker.dashboard.confirmations import confirmation_of
from broker.dashboard.pages import LISTED, identifier
from broker.dashboard.paths import ROOT
from broker.dashboard.rendering import page
from broker.domain.escalation import Escalation
from broker.domain.ids import EscalationId, OrganisationCode
from broker.errors import Invalid, NotFound
from broker.flow.context import Context

DONE: Mapping[str, str] = {
    "take": "taken",
    "extend": "extended-time",
    "release": "undone",
    "offer": "offered",
}
LONGEST_TURNS = 2
"""A person takes on for as long as policy says, or for twice as long."""


@dataclass(frozen=True, slots=True)
class Group:
    """The running escalations about one organisation."""

    organisation: str
    escalations: Sequence[Escalation]

    @property
    def unowned(self) -> int:
        """How many of them nobody deals with."""
        return sum(escalation.state == "open" for escalation in self.escalations)


async def listed(visit: Visit) -> Response:
    """Show every running escalation by organisation, those that nobody deals with first."""
    code = visit.request.query_params.get("agency") or None
    running = await visit.desk.run(
        visit.desk.context.ledger.alarms.escalations,
        agency=OrganisationCode(code) if code else None,
        limit=LISTED,
    )
    return page(
        "escalations",
        visit=visit,
        now=visit.desk.context.clock(),
        groups=grouped(running),
        offered=[escalation for escalation in running if escalation.offered_to == visit.by],
        code=code,
        limit=LISTED,
        is_cut=len(running) == LISTED,
    )


def grouped(running: Sequence[Escalation]) -> list[Group]:
    """Return escalations by organisation; those with something that nobody deals with first."""

    def organisation(escalation: Escalation) -> str:
        return escalation.organisation

    groups = [
        Group(code, list(own))
        for code, own in groupby(sorted(running, key=organisation), organisation)
    ]
    return sorted(
        groups,
        key=lambda group: (
            not group.unowned,
            min(escalation.due_at for escalation in group.escalations),
        ),
    )


async def show(visit: Visit) -> Response:
    """Show one escalation: who was alerted, who is next, and who deals with it."""
    return await _page(visit, {}, None)


async def turn(visit: Visit, form: Mapping[str, str]) -> Response:
    """Take an escalation on, with those of its referral or of its agency; or change that."""
    escalation = await visit.desk.run(_escalation, visit)
    try:
        await visit.desk.run(_turn, visit, _scope(visit.desk.context, escalation, form), form)
    except Invalid as error:
        return await _page(visit, form, error)
    return RedirectResponse(f"{ROOT}/escalations/{escalation.id}?done={DONE[form['turn']]}", 303)


async def of_agency(visit: Visit) -> Response:
    """Ask for how long a person takes on everything that is late at an agency."""
    return await _agency_page(visit, {}, None)


async def turn_all(visit: Visit, form: Mapping[str, str]) -> Response:
    """Take on everything that is late at an agency, or change that."""
    code = OrganisationCode(visit.request.path_params["code"])
    running = await visit.desk.run(escalation_actions.of_agency, visit.desk.context, code)
    try:
        await visit.desk.run(_turn, visit, running, form)
    except Invalid as error:
        return await _agency_page(visit, form, error)
    return RedirectResponse(f"{ROOT}/agencies/{code}/take-on?done={DONE[form['turn']]}", 303)


def _turn(visit: Visit, escalations: Sequence[Escalation], form: Mapping[str, str]) -> None:
    """Do what a form asks about escalations. Raises Invalid, Conflict or NotFound."""
    context, note, by = visit.desk.context, form.get("note", ""), visit.by
    asked = form.get("turn", "")
    mine = [item.id for item in escalations if item.acknowledged_by == by]
    if asked == "take":
        free = [item.id for item in escalations if item.state == "open" or item.offered_to == by]
        turns = LONGEST_TURNS if form.get("turns") == str(LONGEST_TURNS) else 1
        escalation_actions.take_on(context, free, by=by, note=note, turns=turns)
    elif asked == "extend":
        escalation_actions.take_on(context, mine, by=by, note=note, extends=True)
    elif asked == "release":
        taken = [item.id for item in escalations if item.state == "acknowledged"]
        escalation_actions.release(context, mine or taken, by=by, note=note)
    elif asked == "offer":
        escalation_actions.offer(context, mine, by=by, to=form.get("to", ""), note=note)
    else:
        raise NotFound("This action does not exist.")


def _scope(
    context: Context, escalation: Escalation, form: Mapping[str, str]
) -> Sequence[Escalation]:
    """Return what a form is about: what is late, or all that its agency is late with."""
    if form.get("scope") == "agency":
        return escalation_actions.of_agency(context, escalation.organisation)
    return escalation_actions.beside(context, escalation)


def _escalation(visit: Visit) -> Escalation:
    id_ = EscalationId(identifier(visit.request.path_params["id"]))
    running = visit.desk.context.ledger.alarms.escalations(id=id_, limit=1)
    if not running:
        raise NotFound("This escalation has ended, or no escalation has this ID.")
    return running[0]


async def _page(visit: Visit, form: Mapping[str, str], error: Invalid | None) -> Response:
    values = await visit.desk.run(_values, visit)
    return _form(visit, "escalation", form, error, **values)


def _values(visit: Visit) -> dict[str, Any]:
    context, escalation = visit.desk.context, _escalation(visit)
    return {
        "escalation": escalation,
        "running": escalation_actions.beside(context, escalation),
        "of_agency": escalation_actions.of_agency(context, escalation.organisation),
        "escalation_picture": escalation_figures.picture_of(
            context, escalation, now=context.clock()
        ),
        **_choices(visit),
    }


def _choices(visit: Visit) -> dict[str, Any]:
    """Return until when a person may take something on, and whom they may ask to take over."""
    context = visit.desk.context
    now = context.clock()
    return {
        "now": now,
        "ends": {
            turns: escalation_actions.taken_until(context, now, turns=turns)
            for turns in range(1, LONGEST_TURNS + 1)
        },
        "colleagues": escalation_actions.colleagues(context, visit.by),
    }


async def _agency_page(visit: Visit, form: Mapping[str, str], error: Invalid | None) -> Response:
    values = await visit.desk.run(_agency_values, visit)
    return _form(visit, "take_on", form, error, **values)


def _agency_values(visit: Visit) -> dict[str, Any]:
    context = visit.desk.context
    code = OrganisationCode(visit.request.path_params["code"])
    status = context.ledger.monitoring.organisation_status()
    if code not in status:
        raise NotFound("No agency has this code.")
    running = escalation_actions.of_agency(context, code)
    return {"code": code, "running": running, **_choices(visit)}


def _form(
    visit: Visit, name: str, form: Mapping[str, str], error: Invalid | None, **values: Any
) -> Response:
    faults = {fault.pointer.strip("/"): fault.message for fault in error.faults} if error else {}
    return page(
        name,
        422 if error else 200,
        visit=visit,
        confirmation=None if error else confirmation_of(visit),
        form=form,
        faults=faults,
        longest=escalation_actions.LONGEST_NOTE,
        **values,
    )
