"""Decide what becomes of a referral: a pure function of it and the policy in force."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson

from broker.domain.codes import Grade, Kind
from broker.domain.delivery import NewDelivery
from broker.domain.ids import DeliveryId, NewId
from broker.domain.states import DeliveryState, ReferralState
from broker.errors import PolicyError
from broker.policy.decision import (
    Decision,
    Rejected,
    Revised,
    Routed,
    Unroutable,
    Unrouted,
    Verdict,
    Withdrawn,
)
from broker.policy.monitoring import alarms
from broker.policy.monitoring.recurrence import Sighting, sightings
from broker.policy.published.policy import Policy
from broker.policy.revision import revise
from broker.policy.revision.issued import Issued
from broker.policy.revision.regrade import Regrade
from broker.policy.routing.plan import Plan, route
from broker.policy.time.calendars import LONDON
from schemas.referral import Checked, Referral, load

ATTEND_WITHIN = timedelta(hours=1)
"""How long ops has for a referral that nobody can be worked out to get."""


def decide(
    waiting: Unrouted,
    *,
    policy: Policy,
    now: datetime,
    new_id: NewId,
    child_key: bytes | None = None,
) -> Decision:
    """Return what becomes of a referral that waits for routing.

    With ``child_key`` the children of a referral of a grade that is counted are noted under keyed
    hashes. Raises PolicyError when a referral that was valid before does not fit the policy.
    """
    if waiting.recall_reason is not None:
        return _withdrawn(waiting, waiting.recall_reason, policy, now, new_id)
    checked = load(
        orjson.loads(waiting.body),
        today=_received_at(waiting).astimezone(LONDON).date(),
        areas=policy.directory.areas,
    )
    referral = checked.referral
    if referral is None:
        return _rejected(waiting, checked)
    plan = route(
        referral,
        publisher=waiting.publisher,
        policy=policy,
        # Who is new to a referral that others have cannot have had it before this version.
        accepted_at=_received_at(waiting) if waiting.earlier else waiting.accepted_at,
        now=now,
        areas=waiting.areas,
    )
    verdict = _verdict(referral, checked, plan, policy)
    if plan.unroutable_reason:
        return _unroutable(waiting, plan, verdict, policy, now)
    if waiting.earlier:
        return _revised(waiting, plan, verdict, policy, now, new_id)
    return Routed(
        id=waiting.id,
        version=waiting.version,
        verdict=verdict,
        deliveries=[
            _delivery(Issued(leg, Kind.REFERRAL), waiting, policy, now, new_id) for leg in plan.legs
        ],
        sightings=_sightings(waiting, referral, policy, child_key),
        tasks=plan.tasks,
    )


def for_ops(waiting: Unrouted, policy: Policy, now: datetime) -> Unroutable:
    """Return that people have to look at a referral, because routing it fails."""
    verdict = Verdict(policy_version=policy.version, directory_version=policy.version)
    attend_by = now + ATTEND_WITHIN
    return Unroutable(
        id=waiting.id,
        verdict=verdict,
        reason="fault",
        attend_by=attend_by,
        next_alarm_at=_first_alarm(waiting, attend_by, policy),
    )


def new_delivery(
    issued: Issued, now: datetime, new_id: NewId, *, version: int, policy_version: str
) -> NewDelivery:
    """Return the delivery that carries out one assignment of a plan."""
    leg = issued.leg
    held = leg.held_until is not None and leg.held_until > now
    return NewDelivery(
        id=DeliveryId(new_id()),
        agency=leg.agency,
        channel=leg.channel,
        role=leg.role,
        row=leg.row,
        view=leg.view,
        scope=leg.scope,
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


def _received_at(waiting: Unrouted) -> datetime:
    return waiting.received_at or waiting.accepted_at


def _rejected(waiting: Unrouted, checked: Checked) -> Rejected:
    if waiting.state is not ReferralState.ACCEPTED:
        # It was valid when it came: what has changed since, the policy say, is no fault of it.
        raise PolicyError("A referral that was accepted does not fit the policy in force.")
    return Rejected(waiting.id, checked.faults)


def _verdict(referral: Referral, checked: Checked, plan: Plan, policy: Policy) -> Verdict:
    return Verdict(
        policy_version=policy.version,
        directory_version=policy.version,
        grade=plan.grade,
        effective_grade=plan.effective_grade,
        first_known_at=referral.times.first_known_at,
        defects=checked.defects,
        warnings=plan.warnings,
    )


def _unroutable(
    waiting: Unrouted, plan: Plan, verdict: Verdict, policy: Policy, now: datetime
) -> Unroutable:
    attend_by = plan.attend_by or now + ATTEND_WITHIN
    return Unroutable(
        id=waiting.id,
        # The grades stay those of what agencies have until it goes to them.
        verdict=verdict.without_grades() if waiting.earlier else verdict,
        reason=plan.unroutable_reason or "fault",
        attend_by=attend_by,
        next_alarm_at=_first_alarm(waiting, attend_by, policy),
        tasks=plan.tasks,
    )


def _revised(
    waiting: Unrouted,
    plan: Plan,
    verdict: Verdict,
    policy: Policy,
    now: datetime,
    new_id: NewId,
) -> Revised:
    """Return what a new version means for those who had an earlier one, and for who is new."""
    received_at, before = _received_at(waiting), waiting.effective_grade
    regrade = None
    if before is not None and before != plan.effective_grade:
        regrade = Regrade(Grade(before), plan.effective_grade, received_at)
    bodies = {**waiting.bodies, waiting.version: waiting.body}
    new = revise.NewVersion(
        number=waiting.version,
        received_at=received_at,
        grade=plan.effective_grade,
        legs=plan.legs,
        documents={version: orjson.loads(body) for version, body in bodies.items()},
        regrade=regrade,
        policy=policy,
    )
    revision = revise.revise(waiting.earlier, new)
    issued = [_delivery(each, waiting, policy, now, new_id) for each in revision.issued]
    routed = Routed(
        id=waiting.id,
        version=waiting.version,
        verdict=verdict,
        deliveries=issued,
        tasks=plan.tasks,
    )
    return Revised(routed, revision.changed, _new_grades(waiting, plan))


def _withdrawn(
    waiting: Unrouted, reason: str, policy: Policy, now: datetime, new_id: NewId
) -> Withdrawn:
    """Return who must destroy what they had of a referral that was taken back."""
    revision = revise.withdraw(waiting.earlier, reason=reason, at=now, policy=policy)
    return Withdrawn(
        waiting.id, [_delivery(each, waiting, policy, now, new_id) for each in revision.issued]
    )


def _delivery(
    issued: Issued, waiting: Unrouted, policy: Policy, now: datetime, new_id: NewId
) -> NewDelivery:
    return new_delivery(issued, now, new_id, version=waiting.version, policy_version=policy.version)


def _new_grades(waiting: Unrouted, plan: Plan) -> dict[str, str]:
    """Return the grades before and now, for the history; nothing where they are the same."""
    if (waiting.grade, waiting.effective_grade) == (plan.grade, plan.effective_grade):
        return {}
    return {
        "grade_before": waiting.grade or "",
        "grade": str(plan.grade),
        "effective_grade_before": waiting.effective_grade or "",
        "effective_grade": str(plan.effective_grade),
    }


def _sightings(
    waiting: Unrouted, referral: Referral, policy: Policy, key: bytes | None
) -> list[Sighting]:
    """Return the children that are counted; none without a key or with a grade of no interest."""
    rule = policy.recurrence
    if rule is None or key is None or referral.grade.level is not rule.grade:
        return []
    return sightings(
        referral,
        id_=waiting.id,
        publisher=waiting.publisher,
        at=waiting.accepted_at,
        key=key,
    )


def _first_alarm(waiting: Unrouted, attend_by: datetime, policy: Policy) -> datetime | None:
    clock = alarms.attending(waiting.accepted_at, attend_by)
    return alarms.first_ring(
        [clock], warn_at=policy.alarms.warn_at, calendar=policy.calendars["ENG"]
    )
