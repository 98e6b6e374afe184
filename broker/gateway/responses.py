"""The ledger's answers as the JSON of the API (schemas: receipt, status, event, queue)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from starlette.responses import Response

from broker.admin.dry_runs import DryRun
from broker.domain.codes import Contact, Milestone
from broker.domain.delivery import DeliveryStatus, OpenWork, RedirectPreview, Settled
from broker.domain.epoch import Epoch
from broker.domain.escalation import Escalation
from broker.domain.event import Event
from broker.domain.health import Health
from broker.domain.ids import OrganisationCode
from broker.domain.notice import ListedNotice
from broker.domain.question import Question
from broker.domain.referral import Accepted, Recalled, ReferralStatus, Refusal, Waiting
from broker.domain.task import OpenTask
from broker.errors import Fault
from broker.flow.render import NEEDS
from broker.ledger.activity import OpenSilence
from broker.ledger.reconciliations import Reconciled
from broker.policy.language.directory import Directory
from broker.policy.routing.assignments import REASONS, UNTIL_RELEASED
from broker.policy.routing.plan import Plan
from schemas.status import QUEUE_DEPTH

Json = dict[str, Any]
Names = Mapping[OrganisationCode, str]
_REFERRAL_FIELDS = (
    "publisher",
    "reference",
    "accepted_at",
    "routed_at",
    "closed_at",
    "grade",
    "effective_grade",
    "policy_version",
    "directory_version",
    "reason",
    "attend_by",
    "faults",
    "defects",
    "warnings",
    "version",
    "recalled_at",
    "recall_reason",
    "recalled_by",
)
_DELIVERY_FIELDS = (
    "row",
    "view",
    "attempt",
    "available_at",
    "clock_start",
    "returned_at",
    "outcome",
    "reason",
    "note",
    "answered_by",
    "agency",
    "paused_at",
    "version",
    "views_considered",
    "child_told",
    "decisions",
)
_SILENCE_FIELDS = ("organisation", "activity", "reason", "last_at", "acknowledged_by")


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a response with a JSON value."""
    return Response(orjson.dumps(value), status, headers, "application/json")


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


def question(question: Question) -> Json:
    """Return a question with its answer, for the publisher and ops."""
    shown = asdict(question)
    shown["asked_at"] = shown.pop("at")
    del shown["member"]
    return shown


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


def status(referral: ReferralStatus, names: Names, *, now: datetime) -> Json:
    """Return a referral as its publisher and ops see it."""
    return {
        "id": str(referral.id),
        "state": str(referral.state),
        "digest": referral.digest.hex(),
        **{name: getattr(referral, name) for name in _REFERRAL_FIELDS},
        "warnings": [_plain(warning) for warning in referral.warnings],
        "versions": [
            {**asdict(version), "digest": version.digest.hex()} for version in referral.versions
        ],
        "deliveries": [_delivery(delivery, names, now) for delivery in referral.deliveries],
    }


def plan(plan: Plan, defects: Sequence[Fault], names: Names) -> Json:
    """Return what would become of a referral that was only checked."""
    return {
        "state": "unroutable" if plan.unroutable_reason else "routed",
        "reason": plan.unroutable_reason,
        "attend_by": plan.attend_by,
        "effective_grade": str(plan.effective_grade),
        "defects": defects,
        "warnings": [_plain(asdict(warning)) for warning in plan.warnings],
        "deliveries": [
            {
                "agency": assignment.agency,
                "agency_name": names.get(assignment.agency, assignment.agency),
                "role": str(assignment.role),
                "row": assignment.row,
                "view": assignment.view,
                "held_until": _until(assignment.held_until),
                "clock_start": assignment.clock_start,
                "deadlines": {f"{milestone}_by": due for milestone, due in assignment.due.items()},
                "explanation": _explanation(assignment.explanation),
            }
            for assignment in plan.assignments
        ],
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


def happened(happened: Event, *, names: bool) -> Json:
    """Return one line of a referral's history; its actor and reason only with ``names``."""
    actor, reason = (happened.actor, happened.reason) if names else (None, None)
    return {**event(happened), "actor": actor, "reason": reason}


def settled(settled: Settled) -> Json:
    """Return what became of a receipt."""
    return {
        "delivery": str(settled.delivery),
        "result": str(settled.result),
        "state": str(settled.state) if settled.state else None,
        "at": settled.at,
        "changed": settled.changed,
    }


def queue(work: OpenWork) -> Json:
    """Return the state of a queue."""
    return {name: getattr(work, name) for name in QUEUE_DEPTH.fields}


def quarantine(epoch: Epoch) -> Json:
    """Return why older referrals are kept back."""
    return {
        "epoch": epoch.id,
        "reason": str(epoch.reason),
        "since": epoch.began_at,
        "restored_to": epoch.restored_to,
    }


def health(state: Health) -> Json:
    """Return whether the broker works, and what does not."""
    signals = state.signals
    return {
        "level": state.level.word,
        "sentence": state.sentence,
        "at": signals.at,
        "problems": [
            {**asdict(problem), "level": problem.level.word} for problem in state.problems
        ],
        "figures": {
            "open": signals.open,
            "late": signals.late,
            "due_soon": signals.soon,
            "unrouted": signals.unrouted,
        },
    }


def attention(
    waiting: Iterable[Waiting],
    tasks: Iterable[OpenTask],
    refused: Iterable[Refusal],
    silent: Iterable[OpenSilence],
    unreferred: Iterable[Reconciled],
    kept_back: Epoch | None,
) -> Json:
    """Return what needs ops, by kind; ``health`` stands before it."""
    kinds = ("unroutable", "undeliverable", "returned", "held")
    by_kind: dict[str, list[Json]] = {kind: [] for kind in kinds}
    for item in waiting:
        fields = asdict(item)
        by_kind[fields.pop("kind")].append(fields)
    return {
        **by_kind,
        "task": [_task(task) for task in tasks],
        "refused": [refusal(refused_body) for refused_body in refused],
        "silent": [_silent(silence) for silence in silent],
        "unreferred": [_unreferred(result) for result in unreferred],
        "quarantine": [quarantine(kept_back)] if kept_back else [],
    }


def redirect_preview(preview: RedirectPreview) -> Json:
    """Return who would get a delivery, what they would see and by when."""
    return {
        "delivery": str(preview.delivery),
        "reference": preview.reference,
        "agency": preview.agency,
        "agency_name": preview.name,
        "agency_kind": preview.kind,
        "because": preview.because,
        "role": str(preview.role),
        "view": preview.view,
        "view_sentence": preview.sentence,
        "shows": list(preview.shows),
        "children": list(preview.children),
        "persons": list(preview.persons),
        "deadlines": deadlines(preview.due),
        "deadline_words": {str(name): words for name, words in preview.words.items()},
    }


def _task(task: OpenTask) -> Json:
    return {**asdict(task), "kind": "task", "action": task.action, "owners": list(task.owners)}


def deadlines(due: Mapping[Any, Any]) -> Json:
    """Return a delivery's deadlines by name."""
    return {f"{milestone}_by": due.get(milestone) for milestone in Milestone}


def escalation(escalation: Escalation, directory: Directory | None) -> Json:
    """Return an escalation, running or ended, with the telephone of who is late."""
    return {
        **asdict(escalation),
        **_telephone(directory, escalation.organisation, Contact.DUTY),
    }


def notice(notice: ListedNotice, directory: Directory | None) -> Json:
    """Return a notice and what became of it, with the telephone of the contact it is for."""
    return {**asdict(notice), **_telephone(directory, notice.organisation, notice.contact)}


def refusal(refusal: Refusal) -> Json:
    """Return what is known of a body that was not stored."""
    return {**asdict(refusal), "digest": refusal.digest.hex()}


def reconciled(result: Reconciled) -> Json:
    """Return the result of a publisher's list."""
    unreferred = len(result.missing) + len(result.rejected)
    return {**asdict(result), "referred": result.listed - unreferred}


def _silent(silence: OpenSilence) -> Json:
    return {
        "since": silence.began_at,
        **{name: getattr(silence, name) for name in _SILENCE_FIELDS},
    }


def _unreferred(result: Reconciled) -> Json:
    return {
        **asdict(result),
        "missing": len(result.missing),
        "rejected": len(result.rejected),
    }


def _delivery(delivery: DeliveryStatus, names: Names, now: datetime) -> Json:
    return {
        "id": str(delivery.id),
        "agency_name": names.get(delivery.agency, delivery.agency),
        "role": str(delivery.role),
        "state": str(delivery.state),
        "deadlines": deadlines(delivery.due),
        "late": [str(milestone) for milestone in delivery.outstanding.late(now)],
        "paused": sorted(delivery.outstanding.paused),
        "collected_at": delivery.met.get(Milestone.COLLECT),
        "acknowledged_at": delivery.met.get(Milestone.ACKNOWLEDGE),
        "decided_at": delivery.met.get(Milestone.DECIDE),
        "replaces": str(delivery.replaces) if delivery.replaces else None,
        "kind": str(delivery.kind),
        "follows": str(delivery.follows) if delivery.follows else None,
        **{name: getattr(delivery, name) for name in _DELIVERY_FIELDS},
        "explanation": _explanation(delivery.explanation),
    }


def dry_run(dry_run: DryRun, names: Names, *, now: datetime) -> Json:
    """Return what an act would write."""
    return {
        "events": [
            {
                "kind": event.kind,
                "referral": str(event.referral) if event.referral else None,
                "delivery": str(event.delivery) if event.delivery else None,
                "agency": event.agency,
                "agency_name": names.get(event.agency, event.agency) if event.agency else None,
                "data": event.data,
            }
            for event in dry_run.events
        ],
        "deliveries": [_delivery(delivery, names, now) for delivery in dry_run.deliveries],
    }


def _telephone(
    directory: Directory | None, organisation: OrganisationCode, contact: Contact
) -> Json:
    """Return the number of a contact and its hours, None where the directory has none."""
    entry = directory.organisation(organisation) if directory else None
    telephone = entry.telephones.get(contact) if entry else None
    return {
        "telephone": telephone.number if telephone else None,
        "telephone_hours": telephone.words if telephone else None,
    }


def _plain(warning: Mapping[str, Any]) -> Json:
    """Return a warning without what an agency must be shown to be told it."""
    return {name: value for name, value in warning.items() if name != NEEDS}


def _explanation(explanation: Mapping[str, Any]) -> Json:
    """Return an explanation without what each of its reasons rests on."""
    return {name: value for name, value in explanation.items() if name != REASONS}


def _until(held_until: datetime | None) -> datetime | None:
    """Return when a part is released, None where it is not held or a person must release it."""
    return None if held_until == UNTIL_RELEASED else held_until
