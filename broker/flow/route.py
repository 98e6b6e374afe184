"""Step 2, route: validate a referral, decide which agency gets which part by when, and write it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from broker.domain.delivery import NewDelivery
from broker.domain.ids import ReferralId
from broker.errors import Unavailable
from broker.failpoints import BEGUN, DECIDED, ROUTED
from broker.flow.clock_pause import end_waiting
from broker.flow.context import Context
from broker.flow.policy_cache import HeldPolicies
from broker.flow.recurrence_warnings import with_recurrence_warnings
from broker.flow.steps import StepRecord, step
from broker.flow.task_queues import DISPATCH, ROUTE
from broker.ledger.routing import RouteBatch
from broker.policy.decide import addressed_to, decide, for_ops
from broker.policy.decision import (
    Decision,
    Postponed,
    Unrouted,
)
from broker.policy.published.policy import Policy
from broker.telemetry import error_fields, logger
from broker.tracing import SpanPart

BATCH = 200
BATCHES = 25
"""A task that has routed so many batches ends, and wakes its task queue again."""
ATTEMPTS = 5
"""After so many failed attempts a referral is handed to ops."""
FIRST_PAUSE = timedelta(seconds=2)
LATE = timedelta(minutes=1)
"""A referral overdue for so long is routed individually: it may have crashed an earlier attempt.
The sweeper routes individually what it finds waiting, much sooner."""
TRY_WITHIN = timedelta(seconds=10)
"""How long a recorded attempt reserves its referrals."""
CRASHES = 3
"""A referral that so many attempts did not survive, the first perhaps in a group, goes to ops."""
ACTOR = "broker"
_log = logger("route")


def drain(
    context: Context, *, batches: int = BATCHES, size: int = BATCH, careful: bool = False
) -> int:
    """Route the referrals that wait, in batches of ``size``; return how many were routed.

    ``careful``: record every attempt before it is made, whether anything looks wrong or not.
    """
    context.wakeups.clear(ROUTE)
    done = 0
    for _ in range(batches):
        count = _route_batch(context, size, careful=careful)
        done += count
        if count < size:
            return done
    context.wakeups.notify(ROUTE)
    return done


def _route_batch(context: Context, size: int, *, careful: bool) -> int:
    """Route one batch, and the suspects in it individually; return how many were routed."""
    claimed: Sequence[Unrouted] = ()
    with step(context, "route", _log) as this:
        now, policy = this.begun_at, context.policies.latest()

        def attempt(held: HeldPolicies) -> Sequence[Decision] | None:
            nonlocal claimed
            with context.ledger.routing.claim_unrouted(size, now=now) as batch:
                claimed = batch.referrals
                if len(claimed) == BATCH:
                    context.wakeups.notify(ROUTE)  # another process may take what follows
                if careful or any(_is_suspect(referral, now) for referral in claimed):
                    return None
                return _decide_and_write(context, batch, policy, held, now)

        try:
            decisions = context.policies.with_required(attempt)
        except Unavailable:
            raise
        except Exception as error:
            _log.error("batch failed", **error_fields(error))
            decisions = None
        if decisions is not None:
            return _announce(context, this, claimed, decisions)
    return sum(route_individually(context, ids) for ids in split_suspects(claimed))


def _is_suspect(referral: Unrouted, now: datetime) -> bool:
    """Tell whether an earlier attempt may have ended its process: it left no result in time."""
    return referral.begun > 0 or now - referral.due_at > LATE


def split_suspects(claimed: Sequence[Unrouted]) -> list[list[ReferralId]]:
    """Return which referrals are tried together: each suspect alone, all others as one group."""
    fresh = [referral.id for referral in claimed if referral.begun == 0]
    suspects = [[referral.id] for referral in claimed if referral.begun]
    return [*suspects, fresh] if fresh else suspects


def route_individually(context: Context, ids: Sequence[ReferralId]) -> int:
    """Route a group that may hold a referral which crashes the process; return how many.

    The attempt is recorded first, so that the next process knows of it.
    """
    now = context.clock()
    until = now + TRY_WITHIN
    ids = context.ledger.routing.begin_routing(ids, now=now, until=until)
    context.hit(BEGUN)
    try:
        return _route_reserved(context, ids, until)
    except Unavailable:
        with suppress(Unavailable):  # without the ledger the reservation ends by itself
            context.ledger.routing.leave_routing(ids, now=now, until=until)
        raise


def _route_reserved(context: Context, ids: Sequence[ReferralId], until: datetime) -> int:
    """Route a reserved group; when it fails, each of it alone, and postpone what still fails."""
    with step(context, "route", _log) as this:
        policy = context.policies.latest()

        def attempt(held: HeldPolicies) -> tuple[Sequence[Unrouted], Sequence[Decision]]:
            with context.ledger.routing.claim_begun(ids, until=until) as batch:
                decisions = _decide_and_write(context, batch, policy, held, this.begun_at)
                return batch.referrals, decisions

        try:
            referrals, decisions = context.policies.with_required(attempt)
        except Unavailable:
            raise
        except Exception as error:
            _log.error("batch failed", **error_fields(error))
            code = type(error).__name__
        else:
            return _announce(context, this, referrals, decisions)
    if len(ids) > 1:
        return sum(_route_reserved(context, [id_], until) for id_ in ids)
    return postpone(context, ids, until, code)


def postpone(context: Context, ids: Sequence[ReferralId], until: datetime, code: str) -> int:
    """Retry reserved referrals later, or hand them to ops after the last attempt; return how many.

    ``code`` is the class of the error, kept as the reason.
    """
    now, policy = context.clock(), context.policies.latest()
    with context.ledger.routing.claim_begun(ids, until=until) as batch:
        decisions = [_after_failure(referral, policy, now, code) for referral in batch.referrals]
        batch.settle(decisions, now=now, actor=ACTOR)
    context.nudges.send()
    return len(decisions)


def _decide_and_write(
    context: Context, batch: RouteBatch, policy: Policy, held: HeldPolicies, now: datetime
) -> Sequence[Decision]:
    """Decide about a batch and write it, inside the batch's transaction.

    The policy is read before: reading may take seconds, and no transaction may idle for so long.
    Raises MissingPolicies.
    """
    decisions = [_decide(context, referral, policy, now) for referral in batch.referrals]
    decisions = with_recurrence_warnings(batch, decisions, policy=policy)
    batch.settle(decisions, now=now, actor=ACTOR)
    end_waiting(batch, decisions, held, now)
    context.hit(DECIDED)
    return decisions


def _announce(
    context: Context,
    this: StepRecord,
    referrals: Sequence[Unrouted],
    decisions: Sequence[Decision],
) -> int:
    """Tell others, and trace and log what was committed; return how many were decided."""
    context.hit(ROUTED)
    if any(_is_pushed(decision, context.push_channels) for decision in decisions):
        context.wakeups.notify(DISPATCH)
    this.trace(referrals, lambda referral: SpanPart(referral.id, {"version": referral.version}))
    if decisions:
        context.nudges.send()
        deliveries = sum(len(_deliveries(decision)) for decision in decisions)
        this.log(count=len(decisions), deliveries=deliveries)
        this.log_single("referral", referrals, lambda referral: referral.id)
    return len(decisions)


def _decide(context: Context, referral: Unrouted, policy: Policy, now: datetime) -> Decision:
    """Decide about one referral; its errors must not delay the others."""
    if referral.begun > CRASHES:
        _log.error("routing ends processes", referral=str(referral.id))
        return for_ops(referral, policy, now)
    try:
        decision = decide(
            referral,
            policy=policy,
            now=now,
            new_id=context.new_id,
            child_key=context.settings.child_key,
        )
        to = context.test_organisation
        return decision if to is None else addressed_to(decision, to, now=now)
    except Unavailable:
        raise
    except Exception as error:
        _log.error("routing failed", referral=str(referral.id), **error_fields(error))
        return _after_failure(referral, policy, now, type(error).__name__)


def _after_failure(referral: Unrouted, policy: Policy, now: datetime, code: str) -> Decision:
    if referral.attempt + 1 < ATTEMPTS:
        return Postponed(referral.id, now + FIRST_PAUSE * 2**referral.attempt, code)
    return for_ops(referral, policy, now)


def _is_pushed(decision: Decision, channels: Container[str]) -> bool:
    return any(delivery.channel in channels for delivery in _deliveries(decision))


def _deliveries(decision: Decision) -> Sequence[NewDelivery]:
    deliveries: Sequence[NewDelivery] = getattr(decision, "deliveries", ())
    return deliveries
