"""Many at once: a plan, a reason, the number typed, then a job with its progress."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response

from broker.dashboard.access import ROOT, Visit
from broker.dashboard.pages import identifier
from broker.dashboard.rendering import page
from broker.errors import Fault, Invalid
from broker.flow import act

LISTED = 50


async def listed(visit: Visit) -> Response:
    """Show the latest replays."""
    found = await visit.desk.run(visit.desk.broker.ledger.replays, limit=LISTED)
    return page("replays", visit=visit, found=found, now=visit.desk.broker.clock())


async def plan(visit: Visit, form: Mapping[str, str]) -> Response:
    """Plan a replay and show the plan; nothing is replayed yet."""
    id_ = await visit.desk.run(
        act.plan_replay,
        visit.desk.broker,
        agency=form.get("agency", ""),
        cause=form.get("cause", ""),
        per_minute=act.PER_MINUTE,
        by=visit.by,
    )
    return RedirectResponse(f"{ROOT}/replays/{id_}", 303)


async def show(visit: Visit) -> Response:
    """Show a plan, or how far a replay has come."""
    return await _show(visit, {})


async def turn(visit: Visit, form: Mapping[str, str]) -> Response:
    """Start, pause, go on with or stop a replay."""
    broker, id_ = visit.desk.broker, identifier(visit.request.path_params["id"])
    turn_ = form.get("turn", "")
    try:
        if turn_ == "start":
            told = {"reason": form.get("reason", ""), "typed": form.get("typed", "")}
            await visit.desk.run(act.start_replay, broker, id_, **told)
        else:
            await visit.desk.run(act.turn_replay, broker, id_, turn_)
    except Invalid as error:
        return await _show(visit, form, _faults(error.faults))
    return RedirectResponse(f"{ROOT}/replays/{id_}", 303)


async def _show(
    visit: Visit, form: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    broker, id_ = visit.desk.broker, identifier(visit.request.path_params["id"])
    found = await visit.desk.run(act.planned, broker, id_)
    lines = await visit.desk.run(broker.ledger.replay_plan, id_, now=broker.clock())
    return page(
        "replay",
        422 if faults else 200,
        visit=visit,
        replay=found,
        lines=lines,
        now=broker.clock(),
        form=form,
        faults=faults or {},
        typed_above=act.TYPED_ABOVE,
        longest=act.LONGEST_REASON,
    )


def _faults(faults: tuple[Fault, ...]) -> Mapping[str, str]:
    return {fault.pointer.strip("/"): fault.message for fault in faults}
