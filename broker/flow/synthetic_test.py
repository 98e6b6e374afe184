"""A test referral each few minutes, so that green is earned also while nobody publishes.

A gateway begins it: one row, one wake-up. A worker of the routing queue takes it through the steps
of a real one, by the same functions and statements, under the policy in force: read, accepted,
routed, collected and acknowledged. All of that is one transaction, which is rolled back. So a test
is in no figure, report or history, no agency can ever get it, and nothing of it stays but when one
last came through and how long that took.

What it does not prove: that the gateway's own port is reached from outside, and that a channel that
pushes reaches its agencies. The monitor outside and each channel's own check are for these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import orjson

from broker.domain.codes import ReceiptResult, Stage
from broker.domain.delivery import Receipt
from broker.domain.ids import DeliveryId, LeaseId, OrganisationCode, ReferralId
from broker.domain.proofs import SyntheticStep
from broker.domain.states import ReferralState
from broker.errors import BrokerError, Unavailable
from broker.failpoints import no_failpoint
from broker.flow import accept, answer, collect, route
from broker.flow.context import Context
from broker.flow.task_queues import ROUTE
from broker.ledger.rehearsal import RehearsalLedger, rehearsing
from broker.policy.language.vocabulary import SOCIAL_CARE
from broker.policy.published.policy import Policy
from broker.telemetry import error_fields, logger

LOOK_EVERY = timedelta(seconds=15)
"""How often a gateway looks whether the next test is due."""
TAKEN_WITHIN = timedelta(minutes=1)
"""A test that no worker takes for so long has failed, and is not begun by anybody any more."""
ACTOR = "broker-test"
MARK = "TEST, NOT A REAL REFERRAL"
_log = logger("synthetic")
T = TypeVar("T")


class _Stopped(Exception):
    """A test referral did not get through a step."""

    def __init__(self, step: SyntheticStep, code: str) -> None:
        super().__init__(code)
        self.step = step
        self.code = code


def begin(context: Context) -> bool:
    """Begin a test referral if one is due; return whether it was.

    Raises Unavailable without the ledger.
    """
    every = context.settings.test_referral_every
    if not every or not context.may_lead:
        return False
    now, id_ = context.clock(), context.new_id()
    is_begun = context.ledger.health.begin_synthetic_test(id_, every=every, now=now)
    if is_begun:
        context.wakeups.notify(ROUTE)
    return is_begun


def run_waiting(context: Context, *, after: timedelta = timedelta(0)) -> bool:
    """Take the test referral that has waited for ``after``; return whether there was one.

    Raises Unavailable without the ledger; the test has not come through then.
    """
    now = context.clock()
    taken = context.ledger.health.take_synthetic_test(
        since=now - TAKEN_WITHIN, until=now - after, now=now
    )
    if taken is None:
        return False
    id_, begun_at = taken
    step = code = None
    try:
        _rehearse(context)
    except _Stopped as stopped:
        step, code = stopped.step, stopped.code
        _log.error("test referral stopped", lane=step, code=code)
    now = context.clock()
    context.ledger.health.end_synthetic_test(id_, step=step, code=code, now=now)
    if step is None:
        _log.info("test referral through", seconds=(now - begun_at).total_seconds())
    return True


def document(reference: str, area: str, now: datetime) -> bytes:
    """Return a referral that says that it is a test, about a child who does not exist."""
    hour = timedelta(hours=1)
    born_on = (now - timedelta(days=9 * 365)).date()
    return orjson.dumps(
        {
            "schema": "referral/1",
            "reference": reference,
            "referrer": {
                "name": MARK,
                "role": "Automatic test",
                "unit": MARK,
                "email": "test@broker.example.org",
                "telephone": "01632 960999",
                "officer_in_case": MARK,
                "supervisor": MARK,
                "occurrence_reference": reference,
            },
            "handling": {"marking": "OFFICIAL-SENSITIVE"},
            "times": {
                "first_known_at": (now - 3 * hour).isoformat(),
                "child_identified_at": (now - 2 * hour).isoformat(),
                "graded_at": (now - hour).isoformat(),
                "submitted_at": now.isoformat(),
            },
            "grade": {"level": "medium", "reason": MARK, "tool": "KIRAT", "graded_by": MARK},
            "children": [_child(area, born_on.isoformat())],
            "concern": {
                "category": "grooming",
                "summary": MARK,
                "facts": [{"text": MARK, "at": (now - hour).isoformat(), "source": MARK}],
            },
        }
    )


def _child(area: str, born_on: str) -> dict[str, object]:
    return {
        "id": "child-1",
        "given_name": "Test",
        "family_name": "Nobody",
        "date_of_birth": born_on,
        "sex": "female",
        "ethnicity": {"code": "WBRI", "basis": "parent_stated"},
        "disability": ["NONE"],
        "language": "English",
        "interpreter_needed": False,
        "address": {"lines": [MARK], "postcode": "ZZ1 9AS"},
        "area": area,
        "missing": {"status": "not_missing"},
        "voice": {"said": MARK, "demeanour": MARK, "views": MARK},
    }


def _rehearse(context: Context) -> None:
    """Take a test referral through every step. Raises _Stopped, or Unavailable."""
    policy = _at(SyntheticStep.ROUTE, context.policies.latest)
    with rehearsing(context.ledger) as ledger:
        _walk(_in_rehearsal(context, ledger), _area_of(policy, context.clock()))


def _in_rehearsal(context: Context, ledger: RehearsalLedger) -> Context:
    """Return a context whose work is rolled back and counted nowhere."""
    organisation = OrganisationCode(f"test-{context.new_id()}")
    ledger.health.add_test_organisation(organisation)
    return replace(
        context.on(ledger),
        traces=None,
        hit=no_failpoint,
        test_organisation=organisation,
    )


def _area_of(policy: Policy, now: datetime) -> str:
    """Return an area for which children's social care is in the directory."""
    day = now.date()
    for organisation in policy.directory.organisations:
        if organisation.kind == SOCIAL_CARE and organisation.is_in_effect(day):
            for area in organisation.areas:
                return area
    raise _Stopped(SyntheticStep.ROUTE, "no_area")


def _walk(context: Context, area: str) -> None:
    referral = _accepted(context, area)
    _route(context, referral)
    delivery, lease = _collected(context)
    _acknowledge(context, delivery, lease)


def _accepted(context: Context, area: str) -> ReferralId:
    organisation = context.test_organisation
    assert organisation is not None
    body = document(f"TEST-{context.new_id()}", area, context.clock())
    new = _at(
        SyntheticStep.READ,
        lambda: accept.screen(context, organisation, body, idempotency_key=None, actor=ACTOR),
    )
    (answered,) = _at(SyntheticStep.ACCEPT, lambda: accept.accept(context, [new]))
    if isinstance(answered, BrokerError):
        raise _Stopped(SyntheticStep.ACCEPT, answered.code)
    return answered.id


def _route(context: Context, referral: ReferralId) -> None:
    _at(SyntheticStep.ROUTE, lambda: route.route_individually(context, [referral]))
    state = context.ledger.queries.states([referral]).get(referral)
    if state is not ReferralState.ROUTED:
        raise _Stopped(SyntheticStep.ROUTE, str(state))


def _collected(context: Context) -> tuple[DeliveryId, LeaseId]:
    organisation = context.test_organisation
    assert organisation is not None
    views = _at(SyntheticStep.COLLECT, lambda: collect.collect(context, organisation, limit=1))
    if not views or not views[0]["content"]:
        raise _Stopped(SyntheticStep.COLLECT, "nothing")
    lease = views[0]["lease"]
    return DeliveryId(UUID(views[0]["delivery"])), LeaseId(UUID(lease["id"]))


def _acknowledge(context: Context, delivery: DeliveryId, lease: LeaseId) -> None:
    organisation = context.test_organisation
    assert organisation is not None
    receipts = [
        Receipt(delivery, stage, ACTOR, lease) for stage in (Stage.COLLECTED, Stage.ACKNOWLEDGED)
    ]
    results = _at(
        SyntheticStep.ACKNOWLEDGE,
        lambda: answer.settle(context, organisation, receipts, actor=ACTOR),
    )
    for result in results:
        if result.result is not ReceiptResult.RECORDED:
            raise _Stopped(SyntheticStep.ACKNOWLEDGE, str(result.result))


def _at(step: SyntheticStep, work: Callable[[], T]) -> T:
    """Return what a step returns. Raises _Stopped where it fails, and Unavailable as it is."""
    try:
        return work()
    except Unavailable:
        raise
    except Exception as error:
        _log.error("test referral failed", lane=step, **error_fields(error))
        raise _Stopped(step, type(error).__name__) from error
