"""Step 2, route: validate what was accepted, decide who gets which part by when, and write it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import orjson

from broker.domain.codes import Grade, Kind
from broker.domain.delivery import NewDelivery
from broker.domain.ids import DeliveryId, NewId, ReferralId
from broker.domain.states import DeliveryState, ReferralState
from broker.errors import PolicyError, Unavailable
from broker.failpoints import BEGUN, DECIDED, ROUTED
from broker.flow.accept import to_broker_faults
from broker.flow.clock_pause import end_waiting
from broker.flow.context import Context
from broker.flow.recurrence_warnings import with_recurrence_warnings
from broker.flow.steps import StepRecord, step
from broker.flow.task_queues import DISPATCH, ROUTE
from broker.ledger.routing import RouteBatch
from broker.policy.decision import (
    Decision,
    Postponed,
    Rejected,
    Revised,
    Routed,
    Unroutable,
    Unrouted,
    Withdrawn,
)
from broker.policy.monitoring import alarms
from broker.policy.published.policy import Policy
from broker.policy.revision import revise
from broker.policy.revision.issued import Issued
from broker.policy.revision.regrade import Regrade
from broker.policy.routing.plan import Plan
from broker.policy.routing.plan import route as make_plan
from broker.policy.time.calendars import LONDON
from broker.telemetry import error_fields, logger
from broker.tracing import SpanPart
from schemas import referral

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
DEATHS = 3
"""A referral that so many attempts did not survive, the first perhaps in a group, goes to ops."""
ATTEND_WITHIN = timedelta(hours=1)
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
        try:
            with context.ledger.routing.claim_unrouted(size, now=now) as batch:
                claimed = batch.referrals
                if len(claimed) == BATCH:
                    context.wakeups.notify(ROUTE)  # another process may take what follows
                suspects = careful or any(_is_suspect(referral, now) for referral in claimed)
                decisions = [] if suspects else _decide_and_write(context, batch, policy, now)
        except Unavailable:
            raise
        except Exception as error:
            _log.error("batch failed", **error_fields(error))
            suspects = True
        if not suspects:
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
        try:
            with context.ledger.routing.claim_begun(ids, until=until) as batch:
                decisions = _decide_and_write(context, batch, policy, this.begun_at)
        except Unavailable:
            raise
        except Exception as error:
            _log.error("batch failed", **error_fields(error))
            code = type(error).__name__
        else:
            return _announce(context, this, batch.referrals, decisions)
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
    return len(decisions)


def _decide_and_write(
    context: Context, batch: RouteBatch, policy: Policy, now: datetime
) -> Sequence[Decision]:
    """Decide about a batch and write it, inside the batch's transaction.

    The policy is read before: reading may take seconds, and no transaction may idle for so long.
    """
    decisions = [_decide(referral, policy, now, context.new_id) for referral in batch.referrals]
    decisions = with_recurrence_warnings(
        batch, decisions, book=policy, key=context.settings.child_key
    )
    batch.settle(decisions, now=now, actor=ACTOR)
    end_waiting(context, batch, decisions)
    context.hit(DECIDED)
    return decisions


def _announce(
    context: Context,
    this: StepRecord,
    referrals: Sequence[Unrouted],
    decisions: Sequence[Decision],
) -> int:
    """Wake dispatch, and trace and log what was committed; return how many were decided."""
    context.hit(ROUTED)
    if any(_is_pushed(decision, context.channels) for decision in decisions):
        context.wakeups.notify(DISPATCH)
    this.trace(referrals, lambda referral: SpanPart(referral.id, {"version": referral.version}))
    if decisions:
        deliveries = sum(len(_deliveries(decision)) for decision in decisions)
        this.log(count=len(decisions), deliveries=deliveries)
        this.log_single("referral", referrals, lambda referral: referral.id)
    return len(decisions)


def _decide(referral: Unrouted, book: Policy, now: datetime, new_id: NewId) -> Decision:
    """Decide about one referral; whatever goes wrong with it must not hold up the others."""
    if referral.begun > DEATHS:
        _log.error("routing ends processes", referral=str(referral.id))
        return _for_ops(referral, book, now)
    try:
        return decide(referral, book=book, now=now, new_id=new_id)
    except Unavailable:
        raise
    except Exception as error:
        _log.error("routing failed", referral=str(referral.id), **error_fields(error))
        return _after_failure(referral, book, now, type(error).__name__)


def decide(one: Unrouted, *, book: Policy, now: datetime, new_id: NewId) -> Decision:
    """Return what becomes of a referral: a pure function of it and the policy."""
    if one.recall_reason is not None:
        return _withdrawn(one, one.recall_reason, book, now, new_id)
    document, received_at = orjson.loads(one.body), one.received_at or one.accepted_at
    received = received_at.astimezone(LONDON).date()
    checked = referral.load(document, today=received, areas=book.directory.areas)
    if checked.faults and one.state is not ReferralState.ACCEPTED:
        # It was valid when it came: what has changed since, the policy say, is no fault of it.
        raise PolicyError("A referral that was accepted does not fit the policy in force.")
    if checked.faults:
        return Rejected(one.id, to_broker_faults(checked.faults))
    plan = make_plan(
        document,
        publisher=one.publisher,
        book=book,
        # Who is new to a referral that others have cannot have had it before this version.
        accepted_at=received_at if one.earlier else one.accepted_at,
        now=now,
        areas=one.areas,
    )
    found = {
        "id": one.id,
        "version": one.version,
        "grade": document["grade"]["level"],
        "effective_grade": str(plan.effective_grade),
        "first_known_at": datetime.fromisoformat(document["times"]["first_known_at"]),
        "policy_version": book.version,
        "directory_version": book.version,
        "defects": to_broker_faults(checked.defects),
        "warnings": plan.warnings,
    }
    if plan.unroutable_reason:
        attend_by = plan.attend_by or now + ATTEND_WITHIN
        del found["version"]
        if one.earlier:
            # The grades stay those of what agencies have until it goes to them.
            found |= {"grade": None, "effective_grade": None}
        alarm_at = _first_alarm(one, attend_by, book)
        return Unroutable(
            reason=plan.unroutable_reason, attend_by=attend_by, next_alarm_at=alarm_at, **found
        )
    if one.earlier:
        return _revised(one, plan, found, book, now, new_id)
    legs = [_issue(Issued(leg, Kind.REFERRAL), one, book, now, new_id) for leg in plan.legs]
    return Routed(deliveries=legs, **found)


def _revised(
    referral: Unrouted,
    plan: Plan,
    found: dict[str, Any],
    book: Policy,
    now: datetime,
    new_id: NewId,
) -> Revised:
    """Return what a new version means for those who had an earlier one, and for who is new."""
    received_at, before = referral.received_at or referral.accepted_at, referral.effective_grade
    regrade = None
    if before is not None and before != plan.effective_grade:
        regrade = Regrade(Grade(before), plan.effective_grade, received_at)
    bodies = {**referral.bodies, referral.version: referral.body}
    new = revise.NewVersion(
        number=referral.version,
        received_at=received_at,
        grade=plan.effective_grade,
        legs=plan.legs,
        documents={version: orjson.loads(body) for version, body in bodies.items()},
        regrade=regrade,
        book=book,
    )
    revision = revise.revise(referral.earlier, new)
    issued = [_issue(each, referral, book, now, new_id) for each in revision.issued]
    return Revised(Routed(deliveries=issued, **found), revision.changed, _grades(referral, found))


def _withdrawn(
    referral: Unrouted, reason: str, book: Policy, now: datetime, new_id: NewId
) -> Withdrawn:
    """Return who must destroy what they had of a referral that was taken back."""
    revision = revise.withdraw(referral.earlier, reason=reason, at=now, book=book)
    return Withdrawn(
        referral.id, [_issue(each, referral, book, now, new_id) for each in revision.issued]
    )


def _issue(
    issued: Issued, referral: Unrouted, book: Policy, now: datetime, new_id: NewId
) -> NewDelivery:
    return new_delivery(issued, now, new_id, version=referral.version, policy_version=book.version)


def _grades(referral: Unrouted, found: dict[str, Any]) -> dict[str, str]:
    """Return both grades where the new version has others."""
    grade, effective = found["grade"], found["effective_grade"]
    if (referral.grade, referral.effective_grade) == (grade, effective):
        return {}
    return {
        "grade_before": referral.grade or "",
        "grade": grade,
        "effective_grade_before": referral.effective_grade or "",
        "effective_grade": effective,
    }


def new_delivery(
    issued: Issued, now: datetime, new_id: NewId, *, version: int, policy_version: str
) -> NewDelivery:
    """Return the delivery that carries out one leg of a plan."""
    leg = issued.leg
    held = leg.held_until is not None and leg.held_until > now
    return NewDelivery(
        id=DeliveryId(new_id()),
        agency=leg.agency,
        channel=leg.channel,
        role=leg.role,
        row=leg.row,
        view=leg.view,
        scope={"children": list(leg.children), "persons": list(leg.persons)},
        state=DeliveryState.HELD if held else DeliveryState.AVAILABLE,
        available_at=leg.held_until if held and leg.held_until else now,
        clock_start=leg.clock_start,
        due=leg.due,
        next_alarm_at=leg.next_alarm_at,
        explanation=leg.explanation,
        version=version,
        kind=issued.kind,
        follows=issued.follows,
        replaces=issued.replaces,
        policy_version=policy_version,
    )


def _after_failure(referral: Unrouted, book: Policy, now: datetime, code: str) -> Decision:
    if referral.attempt + 1 < ATTEMPTS:
        return Postponed(referral.id, now + FIRST_PAUSE * 2**referral.attempt, code)
    return _for_ops(referral, book, now)


def _for_ops(referral: Unrouted, book: Policy, now: datetime) -> Unroutable:
    """Return that people have to look at it."""
    attend_by = now + ATTEND_WITHIN
    return Unroutable(
        id=referral.id,
        grade=None,
        effective_grade=None,
        first_known_at=None,
        policy_version=book.version,
        directory_version=book.version,
        reason="fault",
        attend_by=attend_by,
        next_alarm_at=_first_alarm(referral, attend_by, book),
    )


def _first_alarm(referral: Unrouted, attend_by: datetime, book: Policy) -> datetime | None:
    clock = alarms.attending(referral.accepted_at, attend_by)
    return alarms.first_ring([clock], warn_at=book.alarms.warn_at, calendar=book.calendars["ENG"])


def _is_pushed(decision: Decision, channels: Container[str]) -> bool:
    return any(delivery.channel in channels for delivery in _deliveries(decision))


def _deliveries(decision: Decision) -> Sequence[NewDelivery]:
    found: Sequence[NewDelivery] = getattr(decision, "deliveries", ())
    return found
