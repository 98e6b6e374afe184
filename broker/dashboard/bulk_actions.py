"""Replays and redirects of many deliveries: a plan, a reason, the number typed, then a job."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from broker.admin import operator_actions
from broker.admin.action_context import LONGEST_REASON
from broker.dashboard import choices
from broker.dashboard.access import Visit
from broker.dashboard.pages import identifier
from broker.dashboard.paths import ROOT
from broker.dashboard.rendering import page
from broker.dashboard.wording import plain
from broker.errors import Fault, Invalid

LISTED = 50
MOST_WAITING = 1000
"""How much that waits is looked through for agencies and causes to choose from."""


async def listed(visit: Visit) -> Response:
    """Show the latest replays."""
    replays = await visit.desk.run(visit.desk.context.ledger.bulk_actions.replays, limit=LISTED)
    return page("replays", visit=visit, replays=replays)


async def ask_to_send_on(visit: Visit) -> Response:
    """Ask which deliveries to redirect, and to which agency."""
    form = {name: visit.request.query_params.get(name, "") for name in ("agency", "cause")}
    return await _ask(visit, form, {})


async def plan_send_on(visit: Visit, form: Mapping[str, str]) -> Response:
    """Plan a redirect and show the plan; nothing is redirected yet."""
    choice = {name: form.get(name, "").strip() for name in ("agency", "cause", "receiver")}
    try:
        id_ = await visit.desk.run(
            operator_actions.plan_redirect,
            visit.desk.context,
            receiver=choice["receiver"],
            agency=choice["agency"],
            cause=choice["cause"],
            per_minute=operator_actions.PER_MINUTE,
            by=visit.by,
        )
    except Invalid as error:
        return await _ask(visit, choice, _faults(error.faults))
    return RedirectResponse(f"{ROOT}/replays/{id_}", 303)


async def _ask(visit: Visit, form: Mapping[str, str], faults: Mapping[str, str]) -> Response:
    """Offer the agencies of the directory, and what ops wait for by agency and cause."""
    context, names = visit.desk.context, visit.frame.names
    waiting = await visit.desk.run(context.ledger.queries.attention, limit=MOST_WAITING)
    moved = [item for item in waiting if item.agency and item.kind in ("returned", "undeliverable")]
    receivers = choices.agencies(names, context.clock())
    senders = {item.agency: names.of(item.agency) for item in moved if item.agency}
    causes = {item.reason: plain(item.reason) for item in moved if item.reason}
    return page(
        "send_on",
        422 if faults else 200,
        visit=visit,
        form=form,
        faults=faults,
        receivers=receivers,
        senders=senders,
        causes=causes,
    )


async def plan(visit: Visit, form: Mapping[str, str]) -> Response:
    """Plan a replay and show the plan; nothing is replayed yet."""
    id_ = await visit.desk.run(
        operator_actions.plan_replay,
        visit.desk.context,
        agency=form.get("agency", ""),
        cause=form.get("cause", ""),
        per_minute=operator_actions.PER_MINUTE,
        by=visit.by,
    )
    return RedirectResponse(f"{ROOT}/replays/{id_}", 303)


async def show(visit: Visit) -> Response:
    """Show a plan, or the progress of a replay."""
    return await _show(visit, {})


async def turn(visit: Visit, form: Mapping[str, str]) -> Response:
    """Start, pause, resume or stop a replay."""
    context, id_ = visit.desk.context, identifier(visit.request.path_params["id"])
    turn_ = form.get("turn", "")
    try:
        if turn_ == "start":
            start = {name: form.get(name, "") for name in ("reason", "typed")}
            pace = _pace(form.get("per_minute", ""))
            await visit.desk.run(
                operator_actions.start_replay, context, id_, **start, by=visit.by, per_minute=pace
            )
        else:
            await visit.desk.run(operator_actions.turn_replay, context, id_, turn_, by=visit.by)
    except Invalid as error:
        return await _show(visit, form, _faults(error.faults))
    return RedirectResponse(f"{ROOT}/replays/{id_}", 303)


async def _show(
    visit: Visit, form: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    context, id_ = visit.desk.context, identifier(visit.request.path_params["id"])
    replay = await visit.desk.run(operator_actions.planned, context, id_)
    lines = await visit.desk.run(operator_actions.lines, context, replay)
    judged = await visit.desk.run(operator_actions.redirect_lines, context, replay)
    return page(
        "replay",
        422 if faults else 200,
        visit=visit,
        replay=replay,
        lines=lines,
        judged=judged,
        most_judged=operator_actions.JUDGED,
        form=form,
        faults=faults or {},
        typed_above=operator_actions.TYPED_ABOVE,
        longest=LONGEST_REASON,
        fastest=operator_actions.FASTEST,
    )


def _pace(text: str) -> int | None:
    """Return the pace in a form, 0 for text that is no number; None keeps the plan's pace."""
    digits = text.strip()
    if not digits:
        return None
    is_number = digits.isdecimal() and len(digits) <= len(str(operator_actions.FASTEST))
    return int(digits) if is_number else 0


def _faults(faults: tuple[Fault, ...]) -> Mapping[str, str]:
    return {fault.pointer.strip("/"): fault.message for fault in faults}
