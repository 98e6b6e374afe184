"""Decide what becomes of a referral: a pure function of it and the policy in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from broker.domain.codes import DeliveryKind, Grade
from broker.domain.delivery import NewDelivery
from broker.domain.ids import DeliveryId, NewId, OrganisationCode
from broker.domain.states import DeliveryState, ReferralState
from broker.domain.task import REJECTED, Task, TaskDeadline, grouped
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
from broker.policy.monitoring.alarms import first_ring_of_ops
from broker.policy.monitoring.links import link_marks
from broker.policy.monitoring.profile import profile
from broker.policy.monitoring.recurrence import Occurrence, occurrences
from broker.policy.monitoring.task_deadlines import stated_grade
from broker.policy.outside_names import with_name_warnings
from broker.policy.published.policy import Policy
from broker.policy.revision import revise
from broker.policy.revision.held_late import held_late
from broker.policy.revision.issued import Issued
from broker.policy.revision.regrade import Regrade
from broker.policy.revision.settled_tasks import without_settled
from broker.policy.revision.version_document import VersionDocument
from broker.policy.routing.places_in_words import with_places
from broker.policy.routing.plan import ATTEND_WITHIN, Plan, route
from broker.policy.routing.unread import leaves_grade_open, unread_handling, with_unread
from broker.policy.time.calendars import LONDON
from schemas import pictures, tolerance
from schemas.formats import GRACE
from schemas.referral import CheckedReferral, Referral

MAILBOX = "mailbox"
"""The channel from which a test referral is collected."""
_REJECTED = (
    "No agency has this referral: it was rejected. Have the publisher send a corrected one under "
    "the same reference, or route it again once the policy or the directory is corrected."
)


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
        return withdraw(waiting, policy=policy, now=now, new_id=new_id)
    document = orjson.loads(waiting.body)
    checked = _checked(waiting, document, policy)
    referral = checked.referral
    if referral is None:
        return _rejected(waiting, checked, document, policy)
    plan = _plan(waiting, checked, document, policy, now)
    marks = _marks(document, referral, policy, child_key)
    verdict = _verdict(waiting, checked, plan, policy, marks)
    if plan.unroutable_reason:
        return _unroutable(waiting, plan, verdict, policy, now)
    if waiting.earlier:
        return _revised(waiting, plan, verdict, policy, now, new_id)
    issued = [Issued(assignment, DeliveryKind.REFERRAL) for assignment in plan.assignments]
    return Routed(
        id=waiting.id,
        version=waiting.version,
        verdict=verdict,
        deliveries=_deliveries(issued, waiting, policy, now, new_id),
        occurrences=_occurrences(waiting, referral, policy, child_key),
        tasks=plan.tasks,
        tasks_due=_tasks_due(waiting, plan, policy, plan.tasks),
    )


def addressed_to(decision: Decision, agency: OrganisationCode, *, now: datetime) -> Decision:
    """Return what routing decides about a test: one delivery to the test organisation at once.

    The rules choose among the real agencies, and none of them gets anything.
    """
    if not isinstance(decision, Routed):
        return decision
    deliveries = [
        replace(
            delivery,
            agency=agency,
            channel=MAILBOX,
            state=DeliveryState.AVAILABLE,
            available_at=now,
            hand_over_at=None,
            stands_in_for=None,
        )
        for delivery in decision.deliveries[:1]
    ]
    return replace(decision, deliveries=deliveries)


def plan_of(  # noqa: PLR0913 - each is a fact about the hand-in
    checked: CheckedReferral,
    document: Mapping[str, Any],
    *,
    publisher: str,
    policy: Policy,
    accepted_at: datetime,
    now: datetime,
    areas: Mapping[str, str],
    handed_in_at: datetime | None = None,
) -> Plan:
    """Return who gets a referral that could be loaded, with what its document is warned of.

    ``document`` is as received. The instants and areas are those of ``route``.
    A check beforehand and routing plan alike.
    """
    assert checked.referral is not None
    assert checked.document is not None
    treated = tolerance.noted(checked.defects)
    received = tolerance.as_shaped(document, treated) if treated else document
    read = with_places(checked.referral, received, treated, policy.gazetteer)
    plan = route(
        read.referral,
        publisher=publisher,
        policy=policy,
        accepted_at=accepted_at,
        now=now,
        areas=areas,
        handed_in_at=handed_in_at,
        unread_handling=unread_handling(checked.defects, received) if treated else (),
    )
    if treated:
        plan = with_unread(plan, checked.defects, received, read)
    plan = with_name_warnings(plan, checked.document, policy, received=received, defects=treated)
    return replace(plan, tasks=grouped(plan.tasks)) if plan.tasks else plan


def withdraw(waiting: Unrouted, *, policy: Policy, now: datetime, new_id: NewId) -> Withdrawn:
    """Return who must destroy what they had of a referral that was recalled."""
    reason = waiting.recall_reason or ""
    revision = revise.withdraw(waiting.earlier, reason=reason, at=now, policy=policy)
    return Withdrawn(waiting.id, _deliveries(revision.issued, waiting, policy, now, new_id))


def for_ops(waiting: Unrouted, policy: Policy, now: datetime) -> Unroutable:
    """Return that people have to look at a referral, because routing it fails."""
    verdict = Verdict(policy_version=policy.version, directory_version=policy.version)
    attend_by = now + ATTEND_WITHIN.by_the_clock
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
    assignment = issued.assignment
    held = assignment.held_until is not None and assignment.held_until > now
    return NewDelivery(
        id=DeliveryId(new_id()),
        agency=assignment.agency,
        channel=assignment.channel,
        role=assignment.role,
        row=assignment.row,
        view=assignment.view,
        scope=assignment.scope,
        state=DeliveryState.HELD if held else DeliveryState.AVAILABLE,
        available_at=assignment.held_until if held and assignment.held_until else now,
        clock_start=assignment.clock_start,
        due=assignment.due,
        next_alarm_at=assignment.next_alarm_at,
        explanation=assignment.explanation,
        version=version,
        kind=issued.kind,
        follows=issued.follows,
        replaces=issued.replaces,
        policy_version=policy_version,
        hand_over_at=_hand_over_at(issued, now),
        stands_in_for=assignment.office,
    )


def _hand_over_at(issued: Issued, now: datetime) -> datetime | None:
    """Return when another team may have it; a correction or a recall stays with who has it."""
    shift = issued.assignment.shift
    if shift is None or issued.kind is not DeliveryKind.REFERRAL:
        return None
    return shift.turns_at(now, is_urgent=issued.assignment.is_urgent)


def _received_at(waiting: Unrouted) -> datetime:
    return waiting.received_at or waiting.accepted_at


def _checked(waiting: Unrouted, document: Mapping[str, Any], policy: Policy) -> CheckedReferral:
    received_on = _received_at(waiting).astimezone(LONDON).date()
    return tolerance.load(
        document,
        today=received_on,
        areas=policy.gazetteer,
        received_at=_received_at(waiting),
        may_link=pictures.may_hold_link(waiting.body),
    )


def _plan(
    waiting: Unrouted,
    checked: CheckedReferral,
    document: Mapping[str, Any],
    policy: Policy,
    now: datetime,
) -> Plan:
    return plan_of(
        checked,
        document,
        publisher=waiting.publisher,
        policy=policy,
        # Who is new to a referral that others have cannot have had it before this version.
        accepted_at=_received_at(waiting) if waiting.earlier else waiting.accepted_at,
        now=now,
        areas=waiting.areas,
        handed_in_at=waiting.accepted_at,
    )


def _rejected(
    waiting: Unrouted, checked: CheckedReferral, document: object, policy: Policy
) -> Rejected:
    if waiting.state is not ReferralState.ACCEPTED:
        # It was valid when it came: what has changed since, the policy say, is no fault of it.
        raise PolicyError("A referral that was accepted does not fit the policy in force.")
    grade = stated_grade(document)
    return Rejected(
        waiting.id,
        checked.faults,
        policy_version=policy.version,
        grade=grade,
        tasks=[Task(REJECTED, "", _REJECTED)],
        tasks_due=policy.task_deadline(grade, waiting.accepted_at),
    )


def _tasks_due(
    waiting: Unrouted, plan: Plan, policy: Policy, tasks: Sequence[Task]
) -> TaskDeadline | None:
    """Return by when ops must settle tasks about a plan; they count from its version.

    Where another grade was written that nobody could read, it may be immediate.
    """
    if not tasks:
        return None
    grade = Grade.IMMEDIATE if leaves_grade_open(tasks) else plan.effective_grade
    return policy.task_deadline(grade, _received_at(waiting))


def _verdict(
    waiting: Unrouted,
    checked: CheckedReferral,
    plan: Plan,
    policy: Policy,
    marks: Sequence[bytes],
) -> Verdict:
    referral = checked.referral
    assert referral is not None
    return Verdict(
        policy_version=policy.version,
        directory_version=policy.version,
        grade=plan.grade,
        effective_grade=plan.effective_grade,
        first_known_at=_first_known_at(waiting, checked, referral),
        defects=checked.defects,
        warnings=plan.warnings,
        marks=marks,
        linked_within=(policy.linked_within if marks else None) or timedelta(0),
        profile=profile(referral, checked.defects),
    )


def _first_known_at(
    waiting: Unrouted, checked: CheckedReferral, referral: Referral
) -> datetime | None:
    """Return what reports measure from; None where it is assumed, or cannot be.

    A correction may name a time after the hand-in, and would make any delay look prompt: what was
    said before stays.
    """
    known_at = referral.times.first_known_at
    is_assumed = tolerance.is_assumed(checked.defects, "/times", "/times/first_known_at")
    return None if is_assumed or known_at - waiting.accepted_at > GRACE else known_at


def _marks(
    document: Mapping[str, Any], referral: Referral, policy: Policy, key: bytes | None
) -> Sequence[bytes]:
    """Return the marks of what a referral names; there are none without a key."""
    if key is None or policy.linked_within is None:
        return ()
    return link_marks(referral, document, key)


def _unroutable(
    waiting: Unrouted, plan: Plan, verdict: Verdict, policy: Policy, now: datetime
) -> Unroutable:
    attend_by = plan.attend_by or now + ATTEND_WITHIN.by_the_clock
    return Unroutable(
        id=waiting.id,
        # The grades stay those of what agencies have until it goes to them.
        verdict=verdict.without_grades() if waiting.earlier else verdict,
        reason=plan.unroutable_reason or "fault",
        attend_by=attend_by,
        next_alarm_at=_first_alarm(waiting, attend_by, policy),
        tasks=plan.tasks,
        tasks_due=_tasks_due(waiting, plan, policy, plan.tasks),
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
    new = _judged(waiting, plan, policy)
    revision = revise.revise(waiting.earlier, new)
    tasks = without_settled(
        plan.tasks,
        waiting.settled,
        decides_alike=new.decides_alike,
        revision=revision,
        goes_despite_doubt=plan.effective_grade in policy.embargoes.goes_despite_words,
    )
    if late := held_late(waiting.earlier, revision, policy.directory, now):
        warning, task = late
        verdict = replace(verdict, warnings=(*verdict.warnings, warning))
        tasks = (*tasks, task)
    routed = Routed(
        id=waiting.id,
        version=waiting.version,
        verdict=verdict,
        deliveries=_deliveries(revision.issued, waiting, policy, now, new_id),
        tasks=tasks,
        tasks_due=_tasks_due(waiting, plan, policy, tasks),
    )
    return Revised(routed, revision.changed, _new_grades(waiting, plan))


def _judged(waiting: Unrouted, plan: Plan, policy: Policy) -> revise.JudgedVersion:
    """Return a new version with what its plan says, beside all versions of its document."""
    received_at, before = _received_at(waiting), waiting.effective_grade
    regrade = None
    if before is not None and before != plan.effective_grade:
        regrade = Regrade(Grade(before), plan.effective_grade, received_at)
    bodies = {**waiting.bodies, waiting.version: waiting.body}
    return revise.JudgedVersion(
        number=waiting.version,
        received_at=received_at,
        grade=plan.effective_grade,
        assignments=plan.assignments,
        documents={
            version: VersionDocument.read(orjson.loads(body), waiting.accepted_at)
            for version, body in bodies.items()
        },
        regrade=regrade,
        policy=policy,
    )


def _deliveries(
    issued: Iterable[Issued], waiting: Unrouted, policy: Policy, now: datetime, new_id: NewId
) -> list[NewDelivery]:
    return [
        new_delivery(each, now, new_id, version=waiting.version, policy_version=policy.version)
        for each in issued
    ]


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


def _occurrences(
    waiting: Unrouted, referral: Referral, policy: Policy, key: bytes | None
) -> list[Occurrence]:
    """Return the children that are counted; none without a key or with a grade of no interest."""
    rule = policy.recurrence
    if rule is None or key is None or referral.grade.level is not rule.grade:
        return []
    return occurrences(
        referral,
        id_=waiting.id,
        publisher=waiting.publisher,
        at=waiting.accepted_at,
        key=key,
    )


def _first_alarm(waiting: Unrouted, attend_by: datetime, policy: Policy) -> datetime | None:
    warn_at, calendar = policy.alarms.warn_at, policy.calendars["ENG"]
    return first_ring_of_ops(waiting.accepted_at, attend_by, warn_at=warn_at, calendar=calendar)
