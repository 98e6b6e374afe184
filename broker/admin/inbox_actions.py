"""What an agency's people do in their inbox: open a referral, take it on, decide, return it.

Each act is the receipt that the agency's software would send, in the name of the person, and so the
same event and the same row. Every look at content is kept before anything is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from broker.domain.codes import LookKind, Outcome, ReceiptResult, ReturnReason, Stage
from broker.domain.delivery import DeliveryStatus, Receipt, RedirectPreview
from broker.domain.escalation import Escalation
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.question import Question
from broker.domain.states import DeliveryState
from broker.errors import BrokerError, Conflict, Fault, Invalid, NotFound, PolicyError
from broker.flow import answer, collect
from broker.flow.context import Context
from broker.flow.receipt_parser import as_rows
from broker.ledger.inbox import HandOver, Look
from broker.ledger.members import SignedInMember
from broker.policy.places.gazetteer import Gazetteer
from broker.policy.places.place import Place
from schemas import requests

LISTED = 100
"""Looks, colleagues, escalations and questions of one delivery that are shown."""
_CHILD = ("views_considered", "child_told")
_UNREAD = (DeliveryState.AVAILABLE, DeliveryState.LEASED)
_DECISIONS = frozenset(Outcome) - {Outcome.DESTROYED}
_NOTE_NEEDED = (Outcome.NO_FURTHER_ACTION, Outcome.ACTION_TAKEN, Outcome.OTHER)
"""Decisions that say nothing without a note."""
_REFUSED: Mapping[ReceiptResult, str] = {
    ReceiptResult.CONFLICT: "Somebody has answered this referral in another way already.",
    ReceiptResult.HANDED_OVER: "Another team has this referral now. We have kept what you wrote.",
    ReceiptResult.WRONG_KIND: "This cannot be answered in that way.",
    ReceiptResult.LOST_IN_RESTORE: "A fault lost this referral here. The police send it again.",
}


@dataclass(frozen=True, slots=True)
class OpenedDelivery:
    """A delivery as its agency may see it, and what its people have done with it."""

    view: Mapping[str, Any]
    """As the agency's software would get it (see ``broker.flow.render``)."""
    status: DeliveryStatus
    before: Mapping[str, Any] | None
    """For a correction: the view of what it corrects."""
    looks: list[Look]
    handlers: list[HandOver]
    escalations: list[Escalation]
    questions: list[Question]
    """What the agency asked about the referral; none where nothing of it is shown any more."""
    can_do: tuple[str, ...]
    """What the agency's people can do with it, in the policy's own words."""
    must_not: tuple[str, ...]
    """What they must not do, in the policy's own words."""
    has_it_too: list[str]
    """The kinds of organisation, by name, that have it too and of which policy lets them know."""


def open_delivery(
    context: Context,
    member: SignedInMember,
    id_: DeliveryId,
    *,
    kind: LookKind = LookKind.OPENED,
) -> OpenedDelivery:
    """Keep that a member sees a delivery, and return it.

    The first one who opens it has collected it. Raises NotFound for what is not their
    organisation's, or not offered to it yet.
    """
    now = context.clock()
    state = context.ledger.inbox.note_look(context.new_id(), id_, member.id, kind, now=now)
    if state is None:
        raise NotFound("There is no such referral in your inbox.")
    if state in _UNREAD:
        _settle(context, member, {"delivery": str(id_), "stage": Stage.COLLECTED.value})
    return _opened(context, member, id_)


def _opened(context: Context, member: SignedInMember, id_: DeliveryId) -> OpenedDelivery:
    ledger, agency = context.ledger, member.organisation
    view = collect.delivery(context, agency, id_)
    referral = ledger.queries.referral(None, id=ReferralId(UUID(view["referral"])))
    assert referral is not None
    status = next(delivery for delivery in referral.deliveries if delivery.id == id_)
    before = None
    if status.follows is not None and view["content"]:
        before = collect.delivery(context, agency, status.follows)
    is_shown = bool(view["content"])
    rules, directory = context.policies.latest().inbox, context.policies.latest().directory
    own = directory.organisation(agency)
    own_kind = own.kind if own and is_shown else ""
    too = ledger.inbox.kinds_with(agency, referral.id, rules.may_know.get(own_kind, frozenset()))
    return OpenedDelivery(
        view=view,
        status=status,
        before=before,
        looks=ledger.inbox.looks(agency, id_, limit=LISTED),
        handlers=ledger.inbox.handlers(agency, id_, limit=LISTED),
        questions=ledger.questions.questions(agency=agency, referral=referral.id, limit=LISTED)
        if is_shown
        else [],
        can_do=rules.can_do.get(own_kind, ()),
        must_not=rules.must_not.get(own_kind, ()),
        has_it_too=[directory.kinds[kind].name for kind in too if kind in directory.kinds],
        escalations=_escalations_of(context, agency, status, referral.id),
    )


def _escalations_of(
    context: Context, agency: OrganisationCode, status: DeliveryStatus, referral: ReferralId
) -> list[Escalation]:
    """Return the running escalations about a delivery that its agency may see."""
    running = context.ledger.alarms.escalations(referral=referral, agency=agency, limit=LISTED)
    return [escalation for escalation in running if escalation.delivery == status.id]


def take_on(context: Context, member: SignedInMember, id_: DeliveryId) -> None:
    """Acknowledge a delivery in a member's name; they deal with it from then on.

    Repeating it is harmless. Raises NotFound and Conflict.
    """
    _settle(context, member, {"delivery": str(id_), "stage": Stage.ACKNOWLEDGED.value})
    handlers = context.ledger.inbox.handlers(member.organisation, id_, limit=1)
    if not handlers:
        give(context, member, id_, to=member.id)


def check_decision(member: SignedInMember, id_: DeliveryId, form: Mapping[str, str]) -> Receipt:
    """Return the decision that a form holds. Raises Invalid with the fault of each field."""
    if form.get("outcome") not in _DECISIONS:
        raise _invalid("outcome", "required", "Choose what you will do.")
    decision = _receipt(member, id_, Stage.DECIDED, form, ("outcome", "note", *_CHILD))
    if decision.outcome in _NOTE_NEEDED and not decision.note:
        raise _invalid("note", "required", "Say in the note what you did, or why you do nothing.")
    return decision


def decide(context: Context, member: SignedInMember, decision: Receipt) -> None:
    """Record a decision; an earlier one stays in the history. Raises NotFound and Conflict."""
    _record(context, member, decision)
    if not context.ledger.inbox.handlers(member.organisation, decision.delivery, limit=1):
        give(context, member, decision.delivery, to=member.id)


def confirm_destroyed(context: Context, member: SignedInMember, id_: DeliveryId) -> None:
    """Confirm that every copy of what was recalled is destroyed."""
    values = {
        "delivery": str(id_),
        "stage": Stage.DECIDED.value,
        "outcome": Outcome.DESTROYED.value,
    }
    _settle(context, member, values)


def check_return(
    context: Context, member: SignedInMember, id_: DeliveryId, form: Mapping[str, str]
) -> tuple[Receipt, Place | None, RedirectPreview | BrokerError | None]:
    """Return what a form returns, the place that it names, and who would get it.

    The last is an error where nobody there is responsible, and None where a person in ops has to
    decide. Raises Invalid with the fault of each field, and NotFound.
    """
    if form.get("reason") not in set(ReturnReason):
        raise _invalid("reason", "required", "Choose why you return it.")
    place = None
    if form["reason"] == ReturnReason.WRONG_AREA and (text := form.get("place", "").strip()):
        place = find_place(context, text)
    area = {"area": place.area} if place and place.area else {}
    receipt = _receipt(member, id_, Stage.RETURNED, {**form, **area}, ("reason", "note", "area"))
    if receipt.area is None:
        return receipt, place, None
    try:
        preview = answer.preview_return(context, member.organisation, id_, area=receipt.area)
    except PolicyError as error:
        return receipt, place, error
    return receipt, place, preview


def return_delivery(context: Context, member: SignedInMember, receipt: Receipt) -> None:
    """Return a delivery to the police, or on to where it belongs. Raises NotFound and Conflict."""
    _record(context, member, receipt)


def find_place(context: Context, text: str) -> Place:
    """Return the area that a postcode or the name of a council stands for. Raises Invalid."""
    gazetteer = context.policies.latest().gazetteer
    place = gazetteer.find(text) or gazetteer.named(text)
    if place and place.area:
        return place
    message = "We do not know this place. Enter a postcode or the name of a council."
    if names := _like(gazetteer, text):
        message = f"Several places match: {', '.join(names)}. Enter one of them."
    raise _invalid("place", "unknown-area", message)


def _like(gazetteer: Gazetteer, text: str) -> list[str]:
    """Return the names of a few places that contain a text."""
    wanted = text.casefold()
    served = [known for code in gazetteer if (known := gazetteer.place(code)) and known.area]
    return sorted({known.name for known in served if wanted in known.name.casefold()})[:5]


def give(context: Context, member: SignedInMember, id_: DeliveryId, *, to: UUID) -> None:
    """Have a colleague, or the member themselves, deal with a delivery. Raises NotFound."""
    is_given = context.ledger.inbox.give(
        context.new_id(), member.organisation, id_, to=to, by=member.id, now=context.clock()
    )
    if not is_given:
        raise NotFound("There is no such referral in your inbox, or no such colleague.")


def _receipt(
    member: SignedInMember,
    id_: DeliveryId,
    stage: Stage,
    form: Mapping[str, str],
    names: tuple[str, ...],
) -> Receipt:
    given = {name: form[name].strip() for name in names if form.get(name, "").strip()}
    return _load({"delivery": str(id_), "stage": stage.value, "by": member.name, **given})


def _load(values: Mapping[str, Any]) -> Receipt:
    """Return a receipt by the schema that software's receipts are held to. Raises Invalid."""
    loaded = requests.load(requests.RECEIPTS, {"receipts": [dict(values)]})
    if loaded.value is None:
        faults = [
            Fault(each.pointer.removeprefix("/receipts/0"), each.code, each.message)
            for each in loaded.faults
        ]
        raise Invalid("Check what you entered.", faults=faults)
    return as_rows(loaded.value)[0]


def _settle(context: Context, member: SignedInMember, values: Mapping[str, Any]) -> None:
    _record(context, member, _load({"by": member.name, **values}))


def _record(context: Context, member: SignedInMember, receipt: Receipt) -> None:
    (settled,) = answer.settle(context, member.organisation, [receipt], actor=member.actor)
    if settled.result is ReceiptResult.NOT_FOUND:
        raise NotFound("There is no such referral in your inbox.")
    if message := _REFUSED.get(settled.result):
        raise Conflict(message)


def field_fault(name: str, code: str, message: str) -> Fault:
    """Return what is wrong with a field of a form."""
    return Fault(f"/{name}", code, message)


def _invalid(field: str, code: str, message: str) -> Invalid:
    return Invalid("Check what you entered.", faults=[field_fault(field, code, message)])
