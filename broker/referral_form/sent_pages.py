"""Referrals of one's own force: the list, what became of each, correct and recall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from broker.domain.codes import DeliveryKind, Milestone, RecallReason, Role
from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import ReferralId
from broker.domain.outstanding import Outstanding
from broker.domain.referral import ReferralStatus
from broker.domain.states import DeliveryState, ReferralState
from broker.inbox import wording as inbox_wording
from broker.inbox.access import Visit
from broker.ledger.drafts import SentReferral
from broker.policy.time.duration_words import how_many
from broker.policy.time.moments import moment, time_left
from broker.referral_form import draft_acts
from broker.referral_form.access import id_in_path
from broker.referral_form.draft_pages import Form
from broker.referral_form.rendering import ROOT, page
from broker.web.forms import whole_number
from schemas import labels

_RECALL_HINTS = {RecallReason.INACCURATE: "If it can be put right, correct it instead."}
RECALL_REASONS: Mapping[str, tuple[str, str]] = {
    reason: (labels.RECALL_REASONS[reason].removesuffix("."), _RECALL_HINTS.get(reason, ""))
    for reason in RecallReason
}
"""Each reason as agencies read it, with a hint."""
_STATES: Mapping[DeliveryState, str] = {
    DeliveryState.HELD: "Waits until it may be sent",
    DeliveryState.AVAILABLE: "Waits for them to open it",
    DeliveryState.LEASED: "Waits for them to open it",
    DeliveryState.COLLECTED: "They have it; nobody has taken it on yet",
    DeliveryState.ACKNOWLEDGED: "Somebody has taken it on",
    DeliveryState.DECIDED: "Decided",
    DeliveryState.RETURNED: "Returned",
    DeliveryState.UNDELIVERABLE: "Cannot be delivered; the broker’s team is dealing with it",
    DeliveryState.RECALLED: "Taken back",
    DeliveryState.HANDED_OVER: "Another team has it now",
}
_KINDS: Mapping[DeliveryKind, str] = {
    DeliveryKind.CORRECTION: "Correction",
    DeliveryKind.RECALL: "Taken back: must destroy it",
}
_CONFIRMATIONS = {
    "sent": "The referral is sent. You see below who has it.",
    "recalled": "The referral is taken back. Every agency that had it must destroy it.",
    "deleted": "The draft is deleted.",
}


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """What one agency has done with a referral."""

    name: str
    what: str
    """Whether it is a copy, a correction or a recall; empty for the referral itself."""
    state: str
    by: str
    note: str
    due: str
    is_late: bool


async def show_list(visit: Visit) -> Response:
    """Show the drafts, and what was sent."""
    is_everybody = visit.request.query_params.get("show") == "all"
    values = await visit.inboxes.run(_listed, visit, is_everybody=is_everybody)
    done = visit.request.query_params.get("done", "")
    confirmation = _CONFIRMATIONS.get(done)
    return page("list", visit=visit, confirmation=confirmation, faults={}, **values)


def _listed(visit: Visit, *, is_everybody: bool) -> dict[str, Any]:
    drafts, now = visit.context.ledger.drafts, visit.context.clock()
    own = None if is_everybody else visit.person.id
    sent = drafts.sent(visit.agency, member=own, now=now, limit=draft_acts.LISTED)
    return {
        "now": now,
        "drafts": drafts.open_of(visit.agency, limit=draft_acts.MOST_DRAFTS),
        "sent": [(referral, in_words(referral)) for referral in sent],
        "is_everybody": is_everybody,
        "is_cut": len(sent) == draft_acts.LISTED,
        "limit": draft_acts.LISTED,
    }


def in_words(referral: SentReferral) -> str:
    """Return what became of a referral, in one line."""
    if referral.recalled_at:
        return "Taken back"
    if referral.state is ReferralState.ACCEPTED:
        return "Sent; agencies get it in a moment"
    if referral.state is ReferralState.REJECTED:
        return "Rejected: no agency has it"
    if referral.state is ReferralState.UNROUTABLE:
        return "No agency matches yet; the broker’s team is looking for one"
    late = f", {referral.late} late" if referral.late else ""
    agencies = how_many(referral.agencies, "agency", "agencies")
    has = "has" if 1 in (referral.acknowledged, referral.agencies) else "have"
    return f"{referral.acknowledged} of {agencies} {has} taken it on{late}"


async def find(visit: Visit, form: Form) -> Response:
    """Lead to the referral of a reference."""
    reference = form.get("reference", "").strip()[:64].replace("\x00", "")
    referral = await visit.inboxes.run(
        visit.context.ledger.queries.referral, visit.agency, reference=reference
    )
    if referral is not None:
        return RedirectResponse(f"{ROOT}/sent/{referral.id}", 303)
    values = await visit.inboxes.run(_listed, visit, is_everybody=False)
    faults = {"reference": "Your force has sent no referral with this reference."}
    return page("list", 422, visit=visit, faults=faults, wanted=reference, **values)


async def show(visit: Visit) -> Response:
    """Show what became of a referral."""
    values = await visit.inboxes.run(_status, visit)
    done = visit.request.query_params.get("done", "")
    return page("sent", visit=visit, confirmation=_CONFIRMATIONS.get(done), **values)


def _status(visit: Visit) -> dict[str, Any]:
    status, now = _own(visit), visit.context.clock()
    directory = visit.context.policies.latest().directory
    lines = [
        _line(delivery, directory.organisation_name(delivery.agency), now)
        for delivery in status.deliveries
    ]
    is_with_agencies = status.state not in (ReferralState.REJECTED, ReferralState.ACCEPTED)
    return {
        "now": now,
        "status": status,
        "lines": lines,
        "sentence": _sentence(status, lines, now),
        "is_late": any(line.is_late for line in lines),
        "may_correct": is_with_agencies and not status.recalled_at,
        "may_recall": status.state is not ReferralState.REJECTED and not status.recalled_at,
        "reasons": RECALL_REASONS,
    }


def _own(visit: Visit) -> ReferralStatus:
    return draft_acts.sent(visit.context, visit.person, ReferralId(id_in_path(visit)))


def _line(delivery: DeliveryStatus, name: str, now: datetime) -> AgencyLine:
    what = _KINDS.get(delivery.kind, "Copy for information" if delivery.role is Role.COPY else "")
    state = _STATES[delivery.state]
    if delivery.state is DeliveryState.DECIDED and delivery.outcome:
        state = inbox_wording.outcome(delivery.outcome)
    return AgencyLine(
        name,
        what,
        state,
        delivery.answered_by or "",
        delivery.note or "",
        _due(delivery.outstanding, now),
        is_late=bool(delivery.outstanding.late(now)),
    )


_VERBS = {
    Milestone.COLLECT: "Opens it",
    Milestone.ACKNOWLEDGE: "Takes it on",
    Milestone.DECIDE: "Decides",
}


_WITHOUT_AGENCIES = {
    ReferralState.ACCEPTED: "We have it. Agencies get it in a moment: load this page again.",
    ReferralState.REJECTED: (
        "It was rejected, so no agency has it. Send it again under the same reference."
    ),
}


def _due(outstanding: Outstanding, now: datetime) -> str:
    """Return the next deadline of an agency in words; one that the law sets is never paused."""
    if outstanding.next is None:
        return "The deadline is paused" if outstanding.paused else ""
    milestone, due_at = outstanding.next
    return f"{_VERBS[milestone]} by {moment(due_at, now)} ({time_left(due_at, now)})"


def _sentence(status: ReferralStatus, lines: list[AgencyLine], now: datetime) -> str:
    """Return what became of a referral, in one sentence."""
    if status.recalled_at:
        at = moment(status.recalled_at, now)
        return f"{status.recalled_by} took this referral back {at}. Agencies must destroy it."
    if sentence := _WITHOUT_AGENCIES.get(status.state):
        return sentence
    if status.state is ReferralState.UNROUTABLE:
        due = f" by {moment(status.attend_by, now)}" if status.attend_by else ""
        return f"No agency matches. The broker’s team must find one{due}."
    late = sum(line.is_late for line in lines)
    if late:
        return f"{how_many(late, 'agency', 'agencies')} {'is' if late == 1 else 'are'} late."
    return "No agency is late."


async def correct(visit: Visit, _: Form) -> Response:
    """Begin a correction of a referral, or go on with the one that there is."""
    draft: UUID = await visit.inboxes.run(
        draft_acts.begin_correction, visit.context, visit.person, ReferralId(id_in_path(visit))
    )
    return RedirectResponse(f"{ROOT}/drafts/{draft}", 303)


async def ask_recall(visit: Visit) -> Response:
    """Ask why a referral is taken back."""
    values = await visit.inboxes.run(_status, visit)
    return page("recall", visit=visit, faults={}, form={}, **values)


async def recall(visit: Visit, form: Form) -> Response:
    """Show the answers to check; take the referral back once they are confirmed."""
    values = await visit.inboxes.run(_status, visit)
    reason = form.get("reason", "")
    if reason not in RECALL_REASONS or "change" in form:
        faults = {} if "change" in form else {"reason": "Choose why you take it back."}
        status = 422 if faults else 200
        return page("recall", status, visit=visit, faults=faults, form=form, **values)
    if form.get("confirmed") != "yes":
        return page("check_recall", visit=visit, form=form, **values)
    id_ = ReferralId(id_in_path(visit))
    await visit.inboxes.run(
        draft_acts.recall,
        visit.context,
        visit.person,
        id_,
        RecallReason(reason),
        expected_version=whole_number(form.get("version", "")),
    )
    return RedirectResponse(f"{ROOT}/sent/{id_}?done=recalled", 303)
