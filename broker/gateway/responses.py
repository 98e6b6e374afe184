"""The ledger's answers as the JSON of the API (schemas: receipt, status, event, queue)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from broker.domain.codes import Milestone
from broker.domain.delivery import (
    DeliveryStatus,
    OpenWork,
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
from schemas.status import QUEUE_DEPTH

Json = dict[str, Any]
Names = Mapping[OrganisationCode, str]


def receipt(accepted: Accepted) -> Json:
    """Return what a publisher gets for a referral."""
    address = f"/v1/referrals/{accepted.id}"
    return {
        "id": str(accepted.id),
        "reference": accepted.reference,
        "state": str(accepted.state),
        "accepted_at": accepted.accepted_at,
        "digest": accepted.digest.hex(),
        "duplicate": accepted.duplicate,
        "version": accepted.version,
        "links": {"self": address, "timeline": f"{address}/timeline"},
    }


def recalled(recalled: Recalled) -> Json:
    """Return what a publisher gets for a recall."""
    return {
        "id": str(recalled.id),
        "reference": recalled.reference,
        "state": str(recalled.state),
        "recalled_at": recalled.recalled_at,
        "reason": recalled.reason,
        "duplicate": recalled.duplicate,
    }


def status(referral_status: ReferralStatus, names: Names) -> Json:
    """Return a referral as its publisher and ops see it."""
    shown = {
        name: getattr(referral_status, name)
        for name in (
            *("publisher", "reference", "accepted_at", "routed_at", "closed_at", "grade"),
            *("effective_grade", "policy_version", "directory_version", "reason", "attend_by"),
            *("faults", "defects", "warnings", "version"),
            *("recalled_at", "recall_reason", "recalled_by"),
        )
    }
    return {
        "id": str(referral_status.id),
        "state": str(referral_status.state),
        "digest": referral_status.digest.hex(),
        **shown,
        "versions": [
            {**asdict(each), "digest": each.digest.hex()} for each in referral_status.versions
        ],
        "deliveries": [_delivery(delivery, names) for delivery in referral_status.deliveries],
    }


def event(event: Event) -> Json:
    """Return one line of the history."""
    return {
        "cursor": event.cursor,
        "at": event.at,
        "kind": event.kind,
        "referral": str(event.referral) if event.referral else None,
        "reference": event.reference,
        "delivery": str(event.delivery) if event.delivery else None,
        "agency": event.agency,
        "data": event.data,
    }


def happened(one: Event, *, names: bool) -> Json:
    """Return one line of a referral's history; who did it and why only with ``names``."""
    who = {"actor": one.actor, "reason": one.reason} if names else {"actor": None, "reason": None}
    return {**event(one), **who}


def settled(settled: Settled) -> Json:
    """Return what became of a receipt."""
    return {
        "delivery": str(settled.delivery),
        "result": str(settled.result),
        "state": str(settled.state) if settled.state else None,
        "at": settled.at,
    }


def queue(work: OpenWork) -> Json:
    """Return the state of a queue."""
    return {name: getattr(work, name) for name in QUEUE_DEPTH.fields}


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


def escalation(escalation: Escalation) -> Json:
    """Return a ladder that is being climbed, or was."""
    return asdict(escalation)


def refusal(refusal: Refusal) -> Json:
    """Return what is known of a body that was not kept."""
    return {**asdict(refusal), "digest": refusal.digest.hex()}


def reconciled(reconciled: Reconciled) -> Json:
    """Return what came of a publisher's list."""
    unreferred = len(reconciled.missing) + len(reconciled.rejected)
    return {**asdict(reconciled), "referred": reconciled.listed - unreferred}


def _silent(open_silence: OpenSilence) -> Json:
    shown = ("organisation", "activity", "reason", "last_at", "acknowledged_by")
    return {"since": open_silence.began_at, **{name: getattr(open_silence, name) for name in shown}}


def _unreferred(reconciled: Reconciled) -> Json:
    return {
        **asdict(reconciled),
        "missing": len(reconciled.missing),
        "rejected": len(reconciled.rejected),
    }


def _delivery(delivery_status: DeliveryStatus, names: Names) -> Json:
    shown = {
        name: getattr(delivery_status, name)
        for name in (
            *("row", "view", "attempt", "available_at", "clock_start", "returned_at", "outcome"),
            *("reason", "note", "answered_by", "explanation", "agency", "paused_at", "version"),
        )
    }
    return {
        "id": str(delivery_status.id),
        "agency_name": names.get(delivery_status.agency, delivery_status.agency),
        "role": str(delivery_status.role),
        "state": str(delivery_status.state),
        "deadlines": deadlines(delivery_status.due),
        "collected_at": delivery_status.met.get(Milestone.COLLECT),
        "acknowledged_at": delivery_status.met.get(Milestone.ACKNOWLEDGE),
        "decided_at": delivery_status.met.get(Milestone.DECIDE),
        "replaces": str(delivery_status.replaces) if delivery_status.replaces else None,
        "kind": str(delivery_status.kind),
        "follows": str(delivery_status.follows) if delivery_status.follows else None,
        **shown,
    }
