"""Part of step 8, sweep: carry out planned replays and redirects of many deliveries, at their pace.

The plan's filter is kept in the ledger and read again here, never by a page.
"""

from __future__ import annotations

from datetime import datetime

from broker.errors import Conflict, NotFound, PolicyError
from broker.flow import answer
from broker.flow.context import Context
from broker.flow.dispatch import LANE as DISPATCH_LANE
from broker.ledger.bulk_actions import SendOn
from broker.ledger.operator_actions import Doing
from broker.telemetry import logger, trouble

SENT_AT_ONCE = 20
"""Deliveries of one redirect at a look: each is judged by policy, in a transaction of its own."""
STEP = 500
"""Deliveries of one replay at a look."""
_log = logger("act")


def advance_replays(context: Context) -> int:
    """Let running replays go on at their pace; return how many deliveries they took."""
    done = sum(context.ledger.bulk_actions.step_replays(now=context.clock(), limit=STEP))
    if done:
        context.wakeups.wake(DISPATCH_LANE)
    now = context.clock()
    return done + sum(
        _advance(context, due_send_on, now)
        for due_send_on in context.ledger.bulk_actions.due_send_ons(now=now, limit=SENT_AT_ONCE)
    )


def _advance(context: Context, plan: SendOn, now: datetime) -> int:
    """Send on what is next; one that cannot be is counted, and stays where it is."""
    done = failed = 0
    for delivery in plan.deliveries:
        why = Doing(context.new_id(), plan.by, plan.reason, now)
        try:
            answer.reroute(
                context, delivery, area=None, agency=plan.receiver, actor=plan.by, why=why
            )
            done += 1
        except (Conflict, NotFound, PolicyError) as error:
            _log.warning("not sent on", delivery=str(delivery), **trouble(error))
            failed += 1
    context.ledger.bulk_actions.count_send_on(plan, done=done, failed=failed, now=now)
    return done
