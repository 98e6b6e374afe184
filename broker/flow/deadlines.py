"""Step 6, deadlines: warn before deadlines, record each breach, escalate until it is acknowledged.

Every worker watches: a claim skips what another worker holds, and each alarm is written once. Only
what is due is read, through indexes, so a check costs the same however much waits. This step needs
PostgreSQL only; it records notices, and step 7 (``broker.flow.notify``) sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Any

from broker.domain.codes import Contact, NoticeChannel, NoticeRecipient
from broker.domain.escalation import (
    DueStep,
    EscalationStep,
)
from broker.domain.ids import (
    DeliveryId,
    EscalationId,
    NewId,
    OrganisationCode,
    ReferralId,
    TaskId,
)
from broker.domain.notice import NewNotice, NoticePayload
from broker.domain.states import DeliveryState
from broker.domain.task import OF_THE_PUBLISHER
from broker.errors import PolicyError
from broker.flow import embargoes
from broker.flow.context import Context
from broker.flow.hand_over import hand_over
from broker.flow.notice_recipients import notices_of, recipient_of
from broker.flow.policy_cache import HeldPolicies
from broker.flow.steps import step
from broker.ledger.alarms import AlarmBatch, StepBatch
from broker.policy.language.directory import Organisation
from broker.policy.monitoring import alarms
from broker.policy.monitoring.alarm_records import (
    FiredAlarm,
    Watched,
)
from broker.policy.monitoring.alarms import EscalationPolicy, Ring, Step
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import WorkingCalendar
from broker.telemetry import logger

EVERY = timedelta(milliseconds=500)
BATCH = 500
BATCHES = 20
_OWNERLESS = frozenset({DeliveryState.RETURNED, DeliveryState.UNDELIVERABLE})
"""States in which ops own a delivery, because no agency does."""
_log = logger("watch")


def watch(context: Context) -> int:
    """Fire the alarms and take the escalation steps that are due; return how many.

    Raises Unavailable without the ledger.
    """
    with step(context, "watch", _log) as this:
        counts = {
            # First: what an office hands over is not late there.
            "handed_over": _until_short(context, _hand_over),
            "deliveries": _until_short(context, _fire_deliveries),
            "referrals": _until_short(context, _fire_referrals),
            "tasks": _until_short(context, _fire_tasks),
            "reopened": _until_short(context, _reopen),
            "steps": _until_short(context, _escalate),
            "embargoes": _until_short(context, _warn_of_embargoes),
        }
        done = sum(counts.values())
        if done:
            this.log(count=done, **counts)
    return done


def _until_short(context: Context, batch: Callable[[Context], int]) -> int:
    """Run batches until one is not full, ``BATCHES`` at most; return how many items they had."""
    done = 0
    for _ in range(BATCHES):
        count = batch(context)
        done += count
        if count < BATCH:
            break
    return done


def _hand_over(context: Context) -> int:
    return hand_over(context, BATCH)


def _fire_deliveries(context: Context) -> int:
    return _fire_all(context, context.ledger.alarms.claim_alarms)


def _fire_referrals(context: Context) -> int:
    return _fire_all(context, context.ledger.alarms.claim_attention)


def _fire_tasks(context: Context) -> int:
    return _fire_all(context, context.ledger.alarms.claim_tasks)


def _fire_all(context: Context, claim: Callable[..., AbstractContextManager[AlarmBatch]]) -> int:
    now = context.clock()

    def fire(held: HeldPolicies) -> int:
        with claim(BATCH, now=now) as batch:
            return _fire(context, batch, held, now)

    return context.policies.with_held(fire)


def _warn_of_embargoes(context: Context) -> int:
    with suppress(PolicyError):  # without a policy nothing is held either
        return embargoes.warn(context, BATCH)
    return 0


def _fire(context: Context, batch: AlarmBatch, held: HeldPolicies, now: datetime) -> int:
    """Fire the alarms of a batch, plan the next ones and record who is notified.

    What was judged by a policy that is not held stays due. Returns how many were looked at.
    """
    planned: dict[Any, datetime | None] = {}
    fired: list[FiredAlarm] = []
    for watched in batch.watched:
        policy = held.version(watched.policy_version)
        if policy is None:
            continue
        due, later = alarms.due_rings(
            watched.clocks,
            warn_at=policy.alarms.warn_at,
            calendar=_calendar(policy, watched.agency, watched.stands_in_for),
            fired=watched.fired,
            now=now,
        )
        planned[watched.subject] = later
        fired.extend(_fired(context, policy, watched, ring, now) for ring in due)
    fresh = batch.fire_alarms(fired, now=now)
    batch.plan_alarms(planned, now=now)
    batch.add_notices(list(_warnings(context.new_id, held, fresh)), now=now)
    return len(planned)


def _fired(
    context: Context, policy: Policy, watched: Watched, ring: Ring, now: datetime
) -> FiredAlarm:
    """Return an alarm. A breach starts the escalation policy of its grade, or that of unroutable
    referrals where no agency holds the delivery."""
    owner, ladder = _owner(watched, policy), policy.alarms.escalation_policy(_subject(watched))
    if not ring.is_breach or ladder is None:
        return FiredAlarm(watched, ring)
    office = watched.stands_in_for if owner == watched.agency else None
    began_at = watched.escalated_since.get(ring.milestone, now)
    calendar = _calendar(policy, owner, office)
    first = alarms.next_step_at(ladder, 0, since=began_at, calendar=calendar)
    id_ = EscalationId(context.new_id())
    return FiredAlarm(watched, ring, id_, owner, ladder.name, first, began_at)


def _owner(watched: Watched, policy: Policy) -> OrganisationCode:
    """Return whose breach it is: the agency's, or that of ops for what no agency holds."""
    if watched.agency is not None and watched.state not in _OWNERLESS:
        return watched.agency
    ops = policy.directory.ops
    return ops.code if ops else watched.agency or watched.publisher


def _subject(watched: Watched) -> str:
    owned = watched.agency is not None and watched.state not in _OWNERLESS
    return str(watched.effective_grade) if owned else alarms.UNROUTABLE


def _warnings(
    new_id: NewId, held: HeldPolicies, fresh: Sequence[FiredAlarm]
) -> Iterator[NewNotice]:
    """Yield notices of the latest warning of each deadline; breaches are escalated instead."""
    latest = {(alarm.of.subject, alarm.ring.milestone): alarm for alarm in fresh}
    for alarm in latest.values():
        if not alarm.ring.is_breach:
            yield from _warning(new_id, held.in_force, alarm)


def _warning(new_id: NewId, policy: Policy, alarm: FiredAlarm) -> Iterator[NewNotice]:
    """Yield the notices of one warning, by every channel that policy names."""
    watched, ring = alarm.of, alarm.ring
    payload = NoticePayload(
        f"{_about(watched.delivery, watched.referral)}.warned",
        watched.referral,
        watched.delivery,
        {
            "milestone": ring.milestone,
            "percent": ring.percent,
            "due_at": ring.due_at.isoformat(),
            **_named(watched.task),
        },
    )
    owner = _owner(watched, policy)
    for policy_step in (*policy.alarms.tell, *_publishers_step(watched)):
        recipient = recipient_of(policy_step, policy, agency=owner, publisher=watched.publisher)
        yield from notices_of(payload, policy_step, recipient, new_id)


def _reopen(context: Context) -> int:
    return context.ledger.alarms.reopen_escalations(BATCH, now=context.clock())


def _escalate(context: Context) -> int:
    """Take the escalation steps that are due; return how many."""
    now = context.clock()

    def escalate(held: HeldPolicies) -> int:
        with context.ledger.alarms.claim_steps(BATCH, now=now) as batch:
            return _take_steps(context.new_id, batch, held, now)

    return context.policies.with_held(escalate)


def _take_steps(new_id: NewId, batch: StepBatch, held: HeldPolicies, now: datetime) -> int:
    """Take the steps of a batch; those of a policy that is not held stay due."""
    met = [step.id for step in batch.steps if step.is_met]
    due = [step for step in batch.steps if not step.is_met]
    judged = [(step, held.version(step.policy_version)) for step in due]
    taken = [
        _advance(
            new_id, step, held.in_force, policy.alarms.escalation_policies.get(step.ladder), now
        )
        for step, policy in judged
        if policy is not None
    ]
    batch.end_escalations(met, because="met", now=now)
    batch.advance_escalations([advanced for advanced, _ in taken], now=now)
    batch.add_notices([notice for _, notices in taken for notice in notices], now=now)
    return len(met) + len(taken)


def _advance(
    new_id: NewId, due: DueStep, policy: Policy, ladder: EscalationPolicy | None, now: datetime
) -> tuple[EscalationStep, list[NewNotice]]:
    """Take the next step of an escalation; a contact without an address does not delay it."""
    if ladder is None or due.step >= len(ladder.steps):
        return EscalationStep(due, None, {"step": due.step + 1, "asked": []}), []
    policy_step = ladder.steps[due.step]
    publisher = due.publisher or due.organisation
    recipient = recipient_of(policy_step, policy, agency=due.organisation, publisher=publisher)
    is_left_out = _is_left_out(due, policy_step, now)
    notices = [] if is_left_out else _notices(new_id, due, policy_step, recipient)
    calendar = _calendar(policy, due.organisation, due.stands_in_for)
    next_at = alarms.next_step_at(ladder, due.step + 1, since=due.began_at, calendar=calendar)
    if not notices and not is_left_out and next_at is not None:
        next_at = now
    data = {
        "step": due.step + 1,
        "to": str(policy_step.to),
        "contact": str(policy_step.contact),
        "organisation": recipient.code if recipient else None,
        "asked": sorted({str(notice.channel) for notice in notices}),
    }
    if is_left_out and due.own_until:
        data["own_acknowledgement_until"] = due.own_until.isoformat()
    return EscalationStep(due, next_at, data), notices


def _is_left_out(due: DueStep, policy_step: Step, now: datetime) -> bool:
    """Tell whether a step is left out because a person at the late agency has taken it on."""
    is_own = policy_step.to is NoticeRecipient.AGENCY
    return is_own and due.own_until is not None and now < due.own_until


def _notices(
    new_id: NewId, due: DueStep, policy_step: Step, recipient: Organisation | None
) -> list[NewNotice]:
    payload = NoticePayload(
        f"{_about(due.delivery, due.referral)}.escalated",
        due.referral,
        due.delivery,
        {
            "milestone": due.milestone,
            "due_at": due.due_at.isoformat(),
            "step": due.step + 1,
            "escalation": str(due.id),
            "agency": due.organisation,
            **_named(due.task),
        },
        due.id,
    )
    return notices_of(payload, policy_step, recipient, new_id)


def _about(delivery: DeliveryId | None, referral: ReferralId | None) -> str:
    if delivery:
        return "delivery"
    return "referral" if referral else "organisation"


def _named(task: TaskId | None) -> dict[str, str]:
    """Return what a notice says of the task that it is about."""
    return {"task": str(task)} if task else {}


def _publishers_step(watched: Watched) -> tuple[Step, ...]:
    """Return the further step of a warning about a task that the publisher must settle too."""
    if watched.task is None or watched.state not in OF_THE_PUBLISHER:
        return ()
    return (Step(NoticeRecipient.PUBLISHER, Contact.SUPERVISOR, (NoticeChannel.EMAIL,)),)


def _calendar(
    policy: Policy, agency: OrganisationCode | None, office: OrganisationCode | None
) -> WorkingCalendar:
    calendar = policy.directory.calendar_of(agency, office) if agency else None
    return calendar or policy.calendars["ENG"]
