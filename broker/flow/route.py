"""Step 2, route: validate what was accepted, decide who gets which part by when, and write it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import perf_counter
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
from broker.telemetry import elapsed, error_fields, info_enabled, logger, single_id
from broker.tracing import Part, Step
from schemas import referral

BATCH = 200
BATCHES = 25
"""A task that has done so many gives way to others, and wakes its lane again."""
ATTEMPTS = 5
"""Routing that failed so often for a reason of our own is for people to look at."""
FIRST_PAUSE = timedelta(seconds=2)
LATE = timedelta(minutes=1)
"""What has been due for so long is tried with care: perhaps whoever tried it died of it. A sweeper
that finds it waiting tries it with care much sooner."""
TRY_WITHIN = timedelta(seconds=10)
"""How long an attempt that was written down keeps others away."""
DEATHS = 3
"""What so many died of, the first time perhaps beside others, is not looked at any more."""
ATTEND_WITHIN = timedelta(hours=1)
ACTOR = "broker"
_log = logger("route")


def drain(
    context: Context, *, batches: int = BATCHES, size: int = BATCH, careful: bool = False
) -> int:
    """Route what waits, in batches of ``size``, and return how many referrals it was.

    ``careful``: write every attempt down before it is made, whether anything looks wrong or not.
    """
    context.wakeups.clear(ROUTE)
    done = 0
    for _ in range(batches):
        count = _batch(context, size, careful=careful)
        done += count
        if count < size:
            return done
    context.wakeups.notify(ROUTE)
    return done


def _batch(context: Context, size: int, *, careful: bool) -> int:
    """Route one batch; what cannot be written as a whole, or may end this process, by itself."""
    began, now, book = perf_counter(), context.clock(), context.policies.latest()
    claimed: Sequence[Unrouted] = ()
    try:
        with context.ledger.routing.claim_unrouted(size, now=now) as batch:
            claimed = batch.referrals
            if len(claimed) == BATCH:
                context.wakeups.notify(ROUTE)  # let another process take what more there may be
            suspects = careful or any(_is_suspect(one, now) for one in claimed)
            decisions = [] if suspects else _settled(context, batch, book, now)
    except Unavailable:
        raise
    except Exception as error:
        _log.error("batch failed", **error_fields(error))
        suspects = True
    if suspects:
        return sum(_carefully(context, ids) for ids in _apart(claimed))
    _tell(context, claimed, decisions, began, now)
    return len(decisions)


def _is_suspect(referral: Unrouted, now: datetime) -> bool:
    """Tell whether nothing came of a referral where something should have: perhaps whoever tried
    it died of it."""
    return referral.begun > 0 or now - referral.due_at > LATE


def _apart(claimed: Sequence[Unrouted]) -> list[list[ReferralId]]:
    """Return what is tried together: everything that nothing was tried with before, the others
    each alone."""
    fresh = [one.id for one in claimed if one.begun == 0]
    return [*([one.id] for one in claimed if one.begun), *([fresh] if fresh else [])]


def _carefully(context: Context, ids: Sequence[ReferralId]) -> int:
    """Route referrals one of which may end this process: write down first that they are tried."""
    now = context.clock()
    until = now + TRY_WITHIN
    ids = context.ledger.routing.begin_routing(ids, now=now, until=until)
    context.hit(BEGUN)
    try:
        return _try_kept(context, ids, until)
    except Unavailable:
        with suppress(Unavailable):  # if it cannot be said now, they are tried again by themselves
            context.ledger.routing.leave_routing(ids, now=now, until=until)
        raise


def _try_kept(context: Context, ids: Sequence[ReferralId], until: datetime) -> int:
    """Route what is kept from others; put off what cannot be written."""
    began, now, book = perf_counter(), context.clock(), context.policies.latest()
    try:
        with context.ledger.routing.claim_begun(ids, until=until) as batch:
            decisions = _settled(context, batch, book, now)
    except Unavailable:
        raise
    except Exception as error:
        _log.error("batch failed", **error_fields(error))
        if len(ids) > 1:
            return sum(_try_kept(context, [id_], until) for id_ in ids)
        return _put_off(context, ids, until, type(error).__name__)
    _tell(context, batch.referrals, decisions, began, now)
    return len(decisions)


def _put_off(context: Context, ids: Sequence[ReferralId], until: datetime, code: str) -> int:
    now, book = context.clock(), context.policies.latest()
    with context.ledger.routing.claim_begun(ids, until=until) as batch:
        put_off = [_after_failure(referral, book, now, code) for referral in batch.referrals]
        batch.settle(put_off, now=now, actor=ACTOR)
    return len(put_off)


def _settled(
    context: Context, batch: RouteBatch, book: Policy, now: datetime
) -> Sequence[Decision]:
    """Decide about a batch and write it. The book is read before: that may take seconds, for which
    no transaction may stand still."""
    decisions = [_decide(referral, book, now, context.new_id) for referral in batch.referrals]
    decisions = with_recurrence_warnings(
        batch, decisions, book=book, key=context.settings.child_key
    )
    batch.settle(decisions, now=now, actor=ACTOR)
    end_waiting(context, batch, decisions)
    context.hit(DECIDED)
    return decisions


def _tell(
    context: Context,
    referrals: Sequence[Unrouted],
    decisions: Sequence[Decision],
    began: float,
    now: datetime,
) -> None:
    """Tell whoever pushes, and those who trace and log, of what is committed."""
    context.hit(ROUTED)
    if context.traces:
        parts = [Part(referral.id, {"version": referral.version}) for referral in referrals]
        context.traces.tell(Step("route", now, context.clock(), parts))
    if any(_is_pushed(decision, context) for decision in decisions):
        context.wakeups.notify(DISPATCH)
    if decisions and info_enabled(_log):
        _log.info(
            "route",
            count=len(decisions),
            deliveries=sum(len(_deliveries(decision)) for decision in decisions),
            seconds=elapsed(began),
            **single_id("referral", [referral.id for referral in referrals]),
        )


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


def _is_pushed(decision: Decision, context: Context) -> bool:
    return any(delivery.channel in context.channels for delivery in _deliveries(decision))


def _deliveries(decision: Decision) -> Sequence[NewDelivery]:
    found: Sequence[NewDelivery] = getattr(decision, "deliveries", ())
    return found
