"""An act as it would be, rolled back: the act's own function is refused by what refuses the act.

Only what an act writes into the ledger is done. The side log, wake-ups, traces and the step's line
in the log belong to the caller of the act, so a dry run leaves none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from broker.admin.action_context import new_action
from broker.admin.hold_actions import write_release
from broker.admin.operator_actions import suspend_agency
from broker.domain.delivery import DeliveryStatus
from broker.domain.event import WrittenEvent
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.domain.referral import Withdrawal
from broker.errors import PolicyError
from broker.flow.context import Context
from broker.flow.correct import withdraw_referral
from broker.ledger.rehearsal import RehearsalLedger, rehearsing


@dataclass(frozen=True, slots=True)
class DryRun:
    """What an act would write; nothing of it stays."""

    events: Sequence[WrittenEvent]
    """What the history would say, in order; empty where the act was done already."""
    deliveries: Sequence[DeliveryStatus]
    """The deliveries that these events name, as they would be."""


def try_recall(context: Context, withdrawal: Withdrawal) -> DryRun:
    """Return what a recall would write. Raises what ``broker.flow.correct.recall`` raises."""
    return _try(context, lambda rehearsal: withdraw_referral(rehearsal, withdrawal))


def try_release(
    context: Context,
    delivery: DeliveryId,
    *,
    by: str,
    reason: str,
    expected_version: int | None = None,
) -> DryRun:
    """Return what the release of a held delivery would write. Raises what ``release_hold`` does."""
    action = new_action(context, by, reason, expected_version)
    return _try(context, lambda rehearsal: write_release(rehearsal, delivery, action))


def try_suspension(context: Context, agency: OrganisationCode, *, by: str, reason: str) -> DryRun:
    """Return what a suspension would write. Raises what ``suspend_agency`` raises."""
    return _try(context, lambda rehearsal: suspend_agency(rehearsal, agency, by=by, reason=reason))


def _try(context: Context, act: Callable[[Context], object]) -> DryRun:
    """Do an act in a transaction that is rolled back, and return what it wrote."""
    with suppress(PolicyError):  # read before anything is locked: the first time takes a second
        context.policies.latest()
    with rehearsing(context.ledger) as ledger:
        act(context.on(ledger))
        events = ledger.written()
        return DryRun(events, _deliveries(ledger, events))


def _deliveries(ledger: RehearsalLedger, events: Sequence[WrittenEvent]) -> list[DeliveryStatus]:
    """Return the deliveries that events name, as the rehearsal has left them."""
    named = {event.delivery for event in events}
    referrals = {event.referral for event in events if event.referral}
    statuses = [ledger.queries.referral(None, id=referral) for referral in referrals]
    return [
        delivery
        for status in statuses
        if status
        for delivery in status.deliveries
        if delivery.id in named
    ]
