"""Part of step 1, accept: a publisher corrects or recalls a referral.

A recall takes effect and tells its agencies in one transaction; of a correction step 2 tells them.

A correction is validated at once, because its publisher waits for the answer. Unlike a new referral
it is stored only when it is valid; until then the version before it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

import orjson

from broker.domain.codes import RecallReason
from broker.domain.epoch import was_lost
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import (
    Accepted,
    ChangeRefusal,
    NewVersion,
    Recalled,
    Refused,
    Withdrawal,
)
from broker.domain.states import ReferralState
from broker.errors import (
    BrokerError,
    Conflict,
    CorrectedSince,
    Fault,
    Invalid,
    NotFound,
    PolicyError,
    ReferenceConflict,
)
from broker.flow.accept import (
    UnkeptDocument,
    contradicting,
    read,
    record_unkept,
    recording_refusals,
)
from broker.flow.context import Context
from broker.flow.steps import step
from broker.flow.task_queues import DISPATCH, ROUTE
from broker.ledger.corrections import MOST_VERSIONS
from broker.ledger.routing import RouteBatch
from broker.policy.decide import withdraw
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import LONDON
from broker.side_log import Change
from broker.telemetry import error_fields, logger
from schemas import documents, tolerance
from schemas.child import Child
from schemas.person import HouseholdMember, PersonPosingRisk
from schemas.referral import CheckedReferral, Referral

Person = Child | HouseholdMember | PersonPosingRisk

_MESSAGES: Mapping[ChangeRefusal, str] = {
    ChangeRefusal.REJECTED: (
        "This referral was rejected, so nobody has it. Submit the corrected document as a new "
        "referral, under the same reference."
    ),
    ChangeRefusal.SUPERSEDED: (
        "Another document took the place of this referral after it was rejected. Look it up by "
        "its reference, and correct that one."
    ),
    ChangeRefusal.RECALLED: (
        "This referral was recalled, so there is nothing to correct or to recall. Submit a new "
        "one, under a new reference."
    ),
    ChangeRefusal.OTHER_REASON: (
        "This referral was recalled before, for another reason, which stands."
    ),
    # Only a draft names the version that it corrects.
    ChangeRefusal.NEWER_VERSION: (
        "Somebody corrected this referral after you began. Delete this draft, and begin again from "
        "what agencies have now."
    ),
    ChangeRefusal.TOO_MANY: (
        f"A referral has at most {MOST_VERSIONS} versions. Submit a new one, under a new "
        "reference, and recall this one."
    ),
}
ACTOR = "broker"
_PLACE, _NAME = ("area", "found_area", "address"), ("given_name", "family_name")
_TOO_MANY = (
    f"A correction was refused and not kept ({Conflict.code}), because its referral has as many "
    "versions as it may have, so no agency has it: have the publisher send it as a new referral "
    "under a new reference, and recall this one."
)
INVALID = "The correction is invalid; the version before it stands."
_log = logger("correct")


def correct(  # noqa: PLR0913  as the publisher's call has them
    context: Context,
    publisher: OrganisationCode,
    id_: ReferralId,
    body: bytes,
    *,
    idempotency_key: str | None,
    actor: str,
    strict: bool = False,
    expected_version: int | None = None,
) -> Accepted:
    """Store a further version of a referral and have it routed; return its receipt.

    ``strict``: it is refused for every fault, also one that would cost only its field.
    ``expected_version`` is the version that is corrected; None for whichever is the latest.
    Raises NotFound; Malformed, TooLarge or Prohibited; Invalid with every fault; Conflict when
    the referral was rejected or recalled, or has another version than the expected one;
    ReferenceConflict for a key that names other content; ClockApart.
    """
    context.check_clock()
    with step(context, "correct", _log) as this:
        status = context.ledger.queries.referral(publisher, id=id_)
        if status is None:
            raise unknown_referral(context, id_)
        with recording_refusals(context, publisher, body, strict=strict):
            document, checked = _admitted(context, body, status.reference, strict=strict)
        new = NewVersion(
            referral=id_,
            publisher=publisher,
            idempotency_key=idempotency_key,
            digest=document.digest,
            body=document.body,
            accepted_at=context.clock(),
            actor=actor,
            expected_version=expected_version,
        )
        receipt = _written(context, new, checked)
        context.side_log.note(
            Change.CORRECTION,
            at=receipt.accepted_at,
            referral=id_,
            reference=receipt.reference,
            publisher=publisher,
            version=receipt.version,
        )
        context.wakeups.notify(ROUTE)
        this.log(referral=id_, publisher=publisher, version=receipt.version)
    return receipt


def recall(  # noqa: PLR0913  as the publisher's call has them
    context: Context,
    publisher: OrganisationCode,
    id_: ReferralId,
    reason: RecallReason,
    *,
    by: str,
    actor: str,
    expected_version: int | None = None,
) -> Recalled:
    """Recall a referral: no agency is offered any of it from now on.

    ``expected_version`` is the version that the person saw; None for whichever is the latest.
    Raises NotFound, or Conflict when it was rejected, recalled for another reason, or corrected
    since that version.
    """
    with step(context, "recall", _log) as this:
        receipt = withdraw_referral(
            context,
            Withdrawal(id_, publisher, str(reason), by, this.begun_at, actor, expected_version),
        )
        context.side_log.note(
            Change.RECALL,
            at=receipt.recalled_at,
            referral=id_,
            reference=receipt.reference,
            publisher=publisher,
            reason=reason,
        )
        context.wakeups.notify(ROUTE)
        context.wakeups.notify(DISPATCH)
        context.nudges.send()
        this.log(referral=id_, publisher=publisher)
    return receipt


def withdraw_referral(context: Context, withdrawal: Withdrawal) -> Recalled:
    """Write a recall and its deliveries into the ledger, and nothing anywhere else.

    Raises what ``recall`` raises.
    """
    policy = _policy(context)  # read before anything is locked: the first time takes a second
    with context.ledger.corrections.recall(withdrawal) as recalled:
        receipt = recalled.receipt
        if recalled.batch and policy:
            receipt = _tell_agencies(context, receipt, recalled.batch, policy, withdrawal.at)
    if isinstance(receipt, Refused):
        raise _refusal(context, withdrawal.referral, receipt)
    return receipt


def _admitted(
    context: Context, body: bytes, reference: str, *, strict: bool
) -> tuple[documents.Document, CheckedReferral]:
    """Return the document of a correction, checked. Raises what ``correct`` does for a document."""
    document = read(body, strict=strict)
    checked = _checked(context, document)
    if faults := _faults(checked, document, reference, strict=strict):
        raise Invalid(INVALID, faults=faults)
    return document, checked


def _written(context: Context, new: NewVersion, checked: CheckedReferral) -> Accepted:
    """Write a version; return its receipt. Raises what the ledger refuses it for."""
    receipt = context.ledger.corrections.correct(new, moved=partial(_moved, checked))
    if isinstance(receipt, Refused):
        _record_refused(context, new, receipt.reason)
        raise _refusal(context, new.referral, receipt)
    return receipt


def _record_refused(context: Context, new: NewVersion, reason: ChangeRefusal) -> None:
    """Open a task about a correction that was not kept, though its referral may be corrected."""
    if reason is ChangeRefusal.IDEMPOTENCY_KEY:
        record_unkept(context, [contradicting(new, "idempotency_key")])
    elif reason is ChangeRefusal.TOO_MANY:
        record_unkept(context, [UnkeptDocument(new, Conflict.code, _TOO_MANY)])


def _policy(context: Context) -> Policy | None:
    """Return the policy in force; without one a recall counts all the same, and routing tells."""
    try:
        return context.policies.latest()
    except PolicyError as error:
        _log.error("recall without a policy", **error_fields(error))
        return None


def _tell_agencies(
    context: Context,
    receipt: Recalled | Refused,
    batch: RouteBatch,
    policy: Policy,
    now: datetime,
) -> Recalled | Refused:
    """Write the recall deliveries; return the receipt with the referral's state after that.

    Where they cannot be worked out the recall stands, and routing tells the agencies.
    """
    try:
        decisions = [
            withdraw(referral, policy=policy, now=now, new_id=context.new_id)
            for referral in batch.referrals
        ]
    except Exception as error:
        _log.error("recall deliveries failed", **error_fields(error))
        return receipt
    batch.settle(decisions, now=now, actor=ACTOR)
    if isinstance(receipt, Refused):
        return receipt
    goes_on = any(decision.deliveries for decision in decisions)
    return replace(receipt, state=ReferralState.ROUTED if goes_on else ReferralState.CLOSED)


def _checked(context: Context, document: documents.Document) -> CheckedReferral:
    today = context.clock().astimezone(LONDON).date()
    areas = context.policies.latest().gazetteer
    return tolerance.load(document.value, today=today, areas=areas)


def _faults(
    checked: CheckedReferral, document: documents.Document, reference: str, *, strict: bool
) -> list[Fault]:
    faults = [*checked.faults] if strict or checked.referral is None else []
    if document.value["reference"] != reference:
        message = "Use the reference of the referral that you correct."
        faults.append(Fault("/reference", "other-reference", message))
    return faults


def _moved(checked: CheckedReferral, before: bytes | None) -> list[str]:
    """Return the local ids of whom a correction names, or places, otherwise than before."""
    earlier, after = _read(before), checked.referral
    if earlier is None or after is None:
        return []
    people = {person.id: person for person in _people(earlier)}
    return [
        person.id
        for person in _people(after)
        if person.id in people and _is_moved(people[person.id], person)
    ]


def _read(body: bytes | None) -> Referral | None:
    """Return a version as it was judged; None where it cannot be read any more."""
    try:
        return tolerance.reload(orjson.loads(body or b""))
    except ValueError:
        return None


def _people(referral: Referral) -> tuple[Person, ...]:
    return (*referral.children, *referral.household, *referral.persons_posing_risk)


def _is_moved(before: Person, after: Person) -> bool:
    """Tell whether somebody is elsewhere, or is somebody else: by name and date of birth."""
    if _of(before, _PLACE) != _of(after, _PLACE):
        return True
    is_renamed = _of(before, _NAME) != _of(after, _NAME)
    return is_renamed and (
        after.date_of_birth is None or before.date_of_birth != after.date_of_birth
    )


def _of(person: Person, names: tuple[str, ...]) -> list[object]:
    return [getattr(person, name, None) for name in names]


def unknown_referral(context: Context, id_: ReferralId) -> NotFound:
    """Return that there is no such referral, and why where a restore has lost it."""
    if was_lost(id_, context.epochs.epochs()):
        return NotFound(
            "The broker was restored to a point before it accepted this referral. Send the "
            "referral again; then look it up by its reference, and correct or recall that one."
        )
    return NotFound("No referral of yours has this ID or reference.")


def _refusal(context: Context, id_: ReferralId, refused: Refused) -> BrokerError:
    if refused.reason is ChangeRefusal.UNKNOWN:
        return unknown_referral(context, id_)
    if refused.reason is ChangeRefusal.CORRECTED_SINCE:
        return CorrectedSince()
    if refused.reason is ChangeRefusal.IDEMPOTENCY_KEY:
        return ReferenceConflict(
            "Another correction was accepted under this Idempotency-Key before. Nothing was "
            "changed: send the same document again, or use a new key."
        )
    return Conflict(f"{_MESSAGES[refused.reason]} Nothing was changed.")
