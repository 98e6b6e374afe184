"""The ledger's answers as the JSON of the API (schemas: receipt, status, event, queue)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from broker.domain.codes import Milestone
from broker.domain.delivery import (
    DeliveryStatus,
    QueueDepth,
    Settled,
)
from broker.domain.escalation import Escalation
from broker.domain.event import Event
from broker.domain.ids import OrganisationCode
from broker.domain.referral import (
    Accepted,
    Recalled,
    ReferralStatus,
    Refusal,
    Waiting,
)
from broker.ledger.activity import OpenSilence
from broker.ledger.reconciliations import Reconciled

Json = dict[str, Any]
Names = Mapping[OrganisationCode, str]


def receipt(one: Accepted) -> Json:
    """Return what a publisher gets for a referral."""
    address = f"/v1/referrals/{one.id}"
    return {
        "id": str(one.id),
        "reference": one.reference,
        "state": str(one.state),
        "accepted_at": one.accepted_at,
        "digest": one.digest.hex(),
        "duplicate": one.duplicate,
        "version": one.version,
        "links": {"self": address, "timeline": f"{address}/timeline"},
    }


def recalled(one: Recalled) -> Json:
    """Return what a publisher gets for a recall."""
    return {
        "id": str(one.id),
        "reference": one.reference,
        "state": str(one.state),
        "recalled_at": one.recalled_at,
        "reason": one.reason,
        "duplicate": one.duplicate,
    }


def status(one: ReferralStatus, names: Names) -> Json:
    """Return a referral as its publisher and ops see it."""
    shown = {
        name: getattr(one, name)
        for name in (
            *("publisher", "reference", "accepted_at", "routed_at", "closed_at", "grade"),
            *("effective_grade", "policy_version", "directory_version", "reason", "attend_by"),
            *("faults", "defects", "warnings", "version"),
            *("recalled_at", "recall_reason", "recalled_by"),
        )
    }
    return {
        "id": str(one.id),
        "state": str(one.state),
        "digest": one.digest.hex(),
        **shown,
        "versions": [{**asdict(each), "digest": each.digest.hex()} for each in one.versions],
        "deliveries": [_delivery(delivery, names) for delivery in one.deliveries],
    }


def event(one: Event) -> Json:
    """Return one line of the history."""
    return {
        "cursor": one.cursor,
        "at": one.at,
        "kind": one.kind,
        "referral": str(one.referral) if one.referral else None,
        "reference": one.reference,
        "delivery": str(one.delivery) if one.delivery else None,
        "agency": one.agency,
        "data": one.data,
    }


def happened(one: Event, *, names: bool) -> Json:
    """Return one line of a referral's history; who did it and why only with ``names``."""
    who = {"actor": one.actor, "reason": one.reason} if names else {"actor": None, "reason": None}
    return {**event(one), **who}


def settled(one: Settled) -> Json:
    """Return what became of a receipt."""
    return {
        "delivery": str(one.delivery),
        "result": one.result,
        "state": str(one.state) if one.state else None,
        "at": one.at,
    }


def queue(one: QueueDepth) -> Json:
    """Return the state of a queue."""
    return {name: value for name, value in asdict(one).items() if name != "undeliverable"}


def attention(
    waiting: Iterable[Waiting],
    refused: Iterable[Refusal],
    silent: Iterable[OpenSilence],
    unreferred: Iterable[Reconciled],
) -> Json:
    """Return what ops must see to, by kind."""
    found: Json = {"unroutable": [], "undeliverable": [], "returned": []}
    for one in waiting:
        found[one.kind].append({k: v for k, v in asdict(one).items() if k != "kind"})
    return found | {
        "refused": [refusal(one) for one in refused],
        "silent": [_silent(one) for one in silent],
        "unreferred": [_unreferred(one) for one in unreferred],
    }


def deadlines(due: Mapping[Any, Any]) -> Json:
    """Return a delivery's deadlines by name."""
    return {f"{milestone}_by": due.get(milestone) for milestone in Milestone}


def escalation(one: Escalation) -> Json:
    """Return a ladder that is being climbed, or was."""
    return asdict(one)


def refusal(one: Refusal) -> Json:
    """Return what is known of a body that was not kept."""
    return {**asdict(one), "digest": one.digest.hex()}


def reconciled(one: Reconciled) -> Json:
    """Return what came of a publisher's list."""
    unreferred = len(one.missing) + len(one.rejected)
    return {**asdict(one), "referred": one.listed - unreferred}


def _silent(one: OpenSilence) -> Json:
    shown = ("organisation", "activity", "reason", "last_at", "acknowledged_by")
    return {"since": one.began_at, **{name: getattr(one, name) for name in shown}}


def _unreferred(one: Reconciled) -> Json:
    return {**asdict(one), "missing": len(one.missing), "rejected": len(one.rejected)}


def _delivery(one: DeliveryStatus, names: Names) -> Json:
    shown = {
        name: getattr(one, name)
        for name in (
            *("row", "view", "attempt", "available_at", "clock_start", "returned_at", "outcome"),
            *("reason", "note", "answered_by", "explanation", "agency", "paused_at", "version"),
        )
    }
    return {
        "id": str(one.id),
        "agency_name": names.get(one.agency, one.agency),
        "role": str(one.role),
        "state": str(one.state),
        "deadlines": deadlines(one.due),
        "collected_at": one.met.get(Milestone.COLLECT),
        "acknowledged_at": one.met.get(Milestone.ACKNOWLEDGE),
        "decided_at": one.met.get(Milestone.DECIDE),
        "replaces": str(one.replaces) if one.replaces else None,
        "kind": str(one.kind),
        "follows": str(one.follows) if one.follows else None,
        **shown,
    }
