"""Step 6, watch: warn before deadlines, name each breach, escalate until a person sees to it.

Every worker watches: claims skip what another one holds, and each alarm is written once. What is
found is what is due, through indexes, so it costs the same however much there is. Only PostgreSQL
is needed; who is to be told stands in the ledger before anybody is (``broker.flow.notify``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from broker.domain.codes import Contact, Told
from broker.domain.escalation import (
    DueStep,
    EscalationStep,
)
from broker.domain.ids import EscalationId, NoticeId, OrganisationCode
from broker.domain.notice import NewNotice
from broker.domain.states import DeliveryState
from broker.errors import PolicyError
from broker.flow.context import Context
from broker.ledger.alarms import AlarmBatch
from broker.policy.language.directory import Organisation
from broker.policy.monitoring import alarms
from broker.policy.monitoring.alarm_records import (
    FiredAlarm,
    Watched,
)
from broker.policy.monitoring.alarms import Ladder, Ring, Step
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import WorkingCalendar
from broker.telemetry import elapsed, logger

EVERY = timedelta(milliseconds=500)
BATCH = 500
BATCHES = 20
_OWNERLESS = frozenset({DeliveryState.RETURNED, DeliveryState.UNDELIVERABLE})
"""States in which a delivery is nobody's but ops'."""
_log = logger("watch")


def watch(context: Context) -> int:
    """Ring what is due and take the steps that are due; return how many it was.

    Raises Unavailable when the ledger is away.
    """
    with suppress(PolicyError):
        context.policies.latest()  # read before anything is claimed: the first time takes a second
    began = perf_counter()
    deliveries = _until_short(context, _ring_deliveries)
    referrals = _until_short(context, _ring_referrals)
    steps = _until_short(context, _climb)
    done = deliveries + referrals + steps
    if done:
        _log.info(
            "watch",
            count=done,
            deliveries=deliveries,
            referrals=referrals,
            steps=steps,
            seconds=elapsed(began),
        )
    return done


def _until_short(context: Context, batch: Callable[[Context], int]) -> int:
    done = 0
    for _ in range(BATCHES):
        count = batch(context)
        done += count
        if count < BATCH:
            break
    return done


def _ring_deliveries(context: Context) -> int:
    now = context.clock()
    with context.ledger.alarms.claim_alarms(BATCH, now=now) as batch:
        return _ring(context, batch, now)


def _ring_referrals(context: Context) -> int:
    now = context.clock()
    with context.ledger.alarms.claim_attention(BATCH, now=now) as batch:
        return _ring(context, batch, now)


def _ring(context: Context, batch: AlarmBatch, now: datetime) -> int:
    planned: dict[Any, datetime | None] = {}
    rung: list[FiredAlarm] = []
    for one in batch.watched:
        book = _book(context, one.policy_version)
        due, later = alarms.due_rings(
            one.clocks,
            warn_at=book.alarms.warn_at,
            calendar=_calendar(book, one.agency),
            rung=one.rung,
            now=now,
        )
        planned[one.delivery or one.referral] = later
        rung.extend(_rung(context, book, one, ring, now) for ring in due)
    fresh = batch.ring(rung, now=now)
    batch.plan(planned, now=now)
    batch.notify(list(_warnings(context, fresh)), now=now)
    return len(batch.watched)


def _rung(
    context: Context, book: Policy, watched: Watched, ring: Ring, now: datetime
) -> FiredAlarm:
    """Return an alarm; a breach starts the ladder of its grade, or that of what nobody has."""
    owner, ladder = _owner(watched, book), book.alarms.ladder(_subject(watched))
    if not ring.is_breach or ladder is None:
        return FiredAlarm(watched, ring)
    first = alarms.next_step_at(ladder, 0, since=now, calendar=_calendar(book, owner))
    return FiredAlarm(watched, ring, EscalationId(context.new_id()), owner, ladder.name, first)


def _owner(watched: Watched, book: Policy) -> OrganisationCode:
    """Return whose breach it is: the agency's, or that of ops for what no agency has."""
    if watched.agency is not None and watched.state not in _OWNERLESS:
        return watched.agency
    ops = book.directory.ops
    return ops.code if ops else watched.agency or watched.publisher


def _subject(watched: Watched) -> str:
    owned = watched.agency is not None and watched.state not in _OWNERLESS
    return str(watched.effective_grade) if owned else alarms.UNROUTABLE


def _warnings(context: Context, fresh: Sequence[FiredAlarm]) -> Iterator[NewNotice]:
    """Tell of the latest warning of each deadline; a breach is told by its ladder."""
    latest = {(one.of.delivery or one.of.referral, one.ring.milestone): one for one in fresh}
    book = context.policies.latest()
    for one in latest.values():
        if one.ring.is_breach:
            continue
        data = {
            "milestone": one.ring.milestone,
            "percent": one.ring.percent,
            "due_at": one.ring.due_at.isoformat(),
        }
        kind = "delivery.warned" if one.of.delivery else "referral.warned"
        for step in book.alarms.tell:
            told = _told(step, book, agency=_owner(one.of, book), publisher=one.of.publisher)
            for channel, organisation in _addressed(step, told):
                yield NewNotice(
                    id=NoticeId(context.new_id()),
                    kind=kind,
                    organisation=organisation,
                    contact=step.contact,
                    channel=channel,
                    referral=one.of.referral,
                    delivery=one.of.delivery,
                    escalation=None,
                    data=data,
                )


def _climb(context: Context) -> int:
    now = context.clock()
    with context.ledger.alarms.claim_steps(BATCH, now=now) as batch:
        met = [step.id for step in batch.steps if step.is_met]
        due = [step for step in batch.steps if not step.is_met]
        taken = [_taken(context, one, now) for one in due]
        batch.end(met, because="met", now=now)
        batch.climb([climbed for climbed, _ in taken], now=now)
        batch.notify([notice for _, notices in taken for notice in notices], now=now)
        return len(batch.steps)


def _taken(context: Context, one: DueStep, now: datetime) -> tuple[EscalationStep, list[NewNotice]]:
    """Take the next step of a ladder; a contact without an address does not hold it up."""
    book, ladder = context.policies.latest(), _ladder(context, one)
    if ladder is None or one.step >= len(ladder.steps):
        return EscalationStep(one, None, {"step": one.step + 1, "told": []}), []
    step = ladder.steps[one.step]
    publisher = one.publisher or one.organisation
    told = _told(step, book, agency=one.organisation, publisher=publisher)
    notices = _notices(context, one, step, told)
    next_at = alarms.next_step_at(
        ladder, one.step + 1, since=one.began_at, calendar=_calendar(book, one.organisation)
    )
    if not notices and next_at is not None:
        next_at = now
    said = {
        "step": one.step + 1,
        "to": str(step.to),
        "contact": str(step.contact),
        "organisation": told.code if told else None,
        "told": sorted({str(notice.channel) for notice in notices}),
    }
    return EscalationStep(one, next_at, said), notices


def _notices(
    context: Context, one: DueStep, step: Step, told: Organisation | None
) -> list[NewNotice]:
    data = {
        "milestone": one.milestone,
        "due_at": one.due_at.isoformat(),
        "step": one.step + 1,
        "escalation": str(one.id),
        "agency": one.organisation,
    }
    return [
        NewNotice(
            id=NoticeId(context.new_id()),
            kind=_kind(one),
            organisation=organisation,
            contact=step.contact,
            channel=channel,
            referral=one.referral,
            delivery=one.delivery,
            escalation=one.id,
            data=data,
        )
        for channel, organisation in _addressed(step, told)
    ]


def _kind(step: DueStep) -> str:
    if step.delivery:
        return "delivery.escalated"
    return "referral.escalated" if step.referral else "organisation.escalated"


def _told(
    step: Step, book: Policy, *, agency: OrganisationCode, publisher: OrganisationCode
) -> Organisation | None:
    if step.to is Told.OPS:
        return book.directory.ops
    return book.directory.organisation(agency if step.to is Told.AGENCY else publisher)


def _addressed(step: Step, told: Organisation | None) -> list[tuple[Any, OrganisationCode]]:
    """Return the ways of a step that the organisation has an address for."""
    known = told.contacts.get(Contact(step.contact), {}) if told else {}
    return [(channel, told.code) for channel in step.by if told and channel in known]


def _ladder(context: Context, step: DueStep) -> Ladder | None:
    return _book(context, step.policy_version).alarms.ladders.get(step.ladder)


def _book(context: Context, version: str) -> Policy:
    """Return the policy that something was judged under, or the one in force if it is unreadable.

    An alarm must ring also when an old version cannot be read any more.
    """
    try:
        return context.policies.version(version)
    except PolicyError:
        return context.policies.latest()


def _calendar(book: Policy, agency: OrganisationCode | None) -> WorkingCalendar:
    organisation = book.directory.organisation(agency) if agency else None
    return organisation.calendar if organisation else book.calendars["ENG"]
