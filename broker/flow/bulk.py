"""Part of step 8, sweep: carry out planned replays and redirects of many deliveries, at their pace.

The plan's filter is kept in the ledger and read again here, never by a page.
"""

from __future__ import annotations

from datetime import datetime

from broker.errors import Conflict, NotFound, PolicyError
from broker.flow import answer
from broker.flow.context import Context
from broker.flow.task_queues import DISPATCH
from broker.ledger.bulk_actions import DueRedirect
from broker.ledger.operator_actions import ActionContext
from broker.telemetry import error_fields, logger

REDIRECTED_AT_ONCE = 20
"""Deliveries of one plan in a sweep: policy judges each, in a transaction of its own."""
REPLAYED_AT_ONCE = 500
"""Deliveries of one replay in a sweep."""
_log = logger("act")


def advance_replays(context: Context) -> int:
    """Advance the running plans at their pace; return how many deliveries they took."""
    done = sum(
        context.ledger.bulk_actions.step_replays(now=context.clock(), limit=REPLAYED_AT_ONCE)
    )
    if done:
        context.wakeups.notify(DISPATCH)
    now = context.clock()
    return done + sum(
        _advance(context, due_redirect, now)
        for due_redirect in context.ledger.bulk_actions.due_redirects(
            now=now, limit=REDIRECTED_AT_ONCE
        )
    )


def _advance(context: Context, plan: DueRedirect, now: datetime) -> int:
    """Redirect the next deliveries of a plan; count those that cannot be redirected."""
    done = failed = 0
    for delivery in plan.deliveries:
        action = ActionContext(context.new_id(), plan.by, plan.reason, now)
        try:
            answer.redirect(context, delivery, action, area=None, agency=plan.receiver)
            done += 1
        except (Conflict, NotFound, PolicyError) as error:
            _log.warning("not redirected", delivery=str(delivery), **error_fields(error))
            failed += 1
    context.ledger.bulk_actions.count_redirect(plan, done=done, failed=failed, now=now)
    return done
