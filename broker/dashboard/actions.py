"""The pages that do: each says what will happen, asks why, does it, and leads back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from broker.admin import operator_actions
from broker.dashboard.access import Visit
from broker.dashboard.pages import identifier
from broker.dashboard.paths import ROOT
from broker.dashboard.rendering import page
from broker.dashboard.wording import CAUSE_NAMES, plain
from broker.domain.codes import Milestone
from broker.domain.delivery import DeliveryStatus
from broker.domain.escalation import Escalation
from broker.domain.ids import DeliveryId, EscalationId, OrganisationCode, ReferralId
from broker.domain.referral import ReferralStatus
from broker.errors import Fault, Invalid, NotFound

REVEALED_SECONDS = 300
"""After so long a page with content leads back to the one without."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something to fill in beside the reason."""

    name: str
    label: str
    hint: str = ""
    choices: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is acted on: its facts, and the page to go back to."""

    facts: Mapping[str, str]
    back: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Doing:
    """One kind of act: its words, how its subject is found, and what does it."""

    title: str
    effect: str
    button: str
    after: str
    look: Callable[[Visit, str], Subject]
    act: Callable[[Visit, str, Mapping[str, str]], object]


async def ask(visit: Visit) -> Response:
    """Show what an act would do; the link beside a breach says which milestone it is about."""
    chosen = {"milestone": visit.request.query_params.get("milestone", "")}
    return await _form(visit, _kind(visit), chosen, None)


async def do(visit: Visit, form: Mapping[str, str]) -> Response:
    """Do it and lead back; where something is missing, ask again."""
    doing, subject = _kind(visit), visit.request.path_params["subject"]
    about = await visit.desk.run(doing.look, visit, subject)
    try:
        await visit.desk.run(doing.act, visit, subject, form)
    except Invalid as error:
        return await _form(visit, doing, form, error)
    return RedirectResponse(f"{about.back}?done={doing.after}", 303)


async def ask_to_reveal(visit: Visit) -> Response:
    """Ask why somebody wants to see the content."""
    return await _form(visit, REVEAL, {}, None)


async def reveal(visit: Visit, form: Mapping[str, str]) -> Response:
    """Show the content, after it was written down who saw it and why."""
    context, id_ = visit.desk.context, identifier(visit.request.path_params["subject"])
    reason = form.get("reason", "")
    try:
        document = await visit.desk.run(
            operator_actions.reveal, context, ReferralId(id_), by=visit.by, reason=reason
        )
    except Invalid as error:
        return await _form(visit, REVEAL, form, error)
    answer_ = page(
        "content", visit=visit, id=id_, lines=list(_lines(document)), seconds=REVEALED_SECONDS
    )
    answer_.headers["Refresh"] = f"{REVEALED_SECONDS}; url={ROOT}/referrals/{id_}"
    return answer_


def _lines(value: Any, path: str = "") -> Any:
    """Yield every text of a document with the path to it."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _lines(one, f"{path} › {name}" if path else name)
    elif isinstance(value, list):
        for place, one in enumerate(value, 1):
            yield from _lines(one, f"{path} {place}")
    else:
        yield path.replace("_", " "), value


async def _form(
    visit: Visit, doing: Doing, form: Mapping[str, str], error: Invalid | None
) -> Response:
    about = await visit.desk.run(doing.look, visit, visit.request.path_params["subject"])
    faults = {fault.pointer.strip("/"): fault.message for fault in error.faults} if error else {}
    if error and not faults:
        faults = {"reason": error.message}
    return page(
        "act",
        422 if error else 200,
        visit=visit,
        doing=doing,
        about=about,
        form=form,
        faults=faults,
        longest=operator_actions.LONGEST_REASON,
    )


def _kind(visit: Visit) -> Doing:
    found = KINDS.get(visit.request.path_params["kind"])
    if found is None:
        raise NotFound("There is no such act.")
    return found


def _delivery(visit: Visit, subject: str) -> tuple[ReferralStatus, DeliveryStatus]:
    ledger, id_ = visit.desk.context.ledger, identifier(subject)
    for referral_id in ledger.monitoring.find(str(id_)):
        referral = ledger.queries.referral(None, id=referral_id)
        for one in referral.deliveries if referral else ():
            if one.id == id_:
                assert referral is not None
                return referral, one
    raise NotFound("There is no delivery with this id.")


def _of_delivery(visit: Visit, subject: str, *fields: Field) -> Subject:
    referral, delivery = _delivery(visit, subject)
    facts = {
        "Referral": referral.reference,
        "Agency": delivery.agency,
        "State": str(delivery.state),
        "Cause": plain(delivery.reason),
    }
    return Subject(facts, f"{ROOT}/referrals/{referral.id}", fields)


def _of_agency(visit: Visit, subject: str) -> Subject:
    found = visit.desk.context.ledger.monitoring.organisation_status().get(
        OrganisationCode(subject)
    )
    if found is None:
        raise NotFound("There is no agency with this code.")
    work = visit.desk.context.ledger.monitoring.open_work(
        now=visit.desk.context.clock(), agency=subject
    )
    open_ = work[found.agency].open if found.agency in work else 0
    facts = {"Agency": found.name, "Open deliveries": f"{open_:,}"}
    return Subject(facts, f"{ROOT}/agencies/{subject}")


def _of_escalation(visit: Visit, subject: str) -> Subject:
    found = visit.desk.context.ledger.alarms.escalations(
        id=EscalationId(identifier(subject)), limit=1
    )
    if not found:
        raise NotFound("This escalation has ended, or there is none with this id.")
    return Subject(_escalation_facts(found[0]), _back(found[0]))


def _escalation_facts(escalation: Escalation) -> dict[str, str]:
    return {
        "About": escalation.reference or escalation.organisation,
        "Organisation": escalation.organisation,
        "Milestone": escalation.milestone,
        "Step": str(escalation.step),
    }


def _back(escalation: Escalation) -> str:
    if escalation.referral is None:
        return f"{ROOT}/agencies/{escalation.organisation}"
    return f"{ROOT}/referrals/{escalation.referral}"


def _of_referral(visit: Visit, subject: str, *fields: Field) -> Subject:
    found = visit.desk.context.ledger.queries.referral(None, id=ReferralId(identifier(subject)))
    if found is None:
        raise NotFound("There is no referral with this id.")
    facts = {"Referral": found.reference, "Publisher": found.publisher, "State": str(found.state)}
    return Subject(facts, f"{ROOT}/referrals/{found.id}", fields)


_AGENCY = Field("agency", "Agency", "Its code, such as shropshire-csc; or leave this and give:")
_AREA = Field("area", "Area", "Its code, such as E06000051: whoever is responsible there gets it.")
_AREAS = Field("areas", "Person and area", "The local id and the area, such as child-1=E06000021.")


def _reroute(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    agency, area = form.get("agency", "").strip(), form.get("area", "").strip()
    if bool(agency) == bool(area):
        told = "Give an agency or an area, one of them."
        raise Invalid(told, faults=[Fault("/agency", "one-of", told)])
    operator_actions.redirect(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        area=area or None,
        agency=OrganisationCode(agency) if agency else None,
        **_told(visit, form),
    )


def _give_areas(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    pairs = dict(one.partition("=")[::2] for one in form.get("areas", "").split())
    if not pairs or not all(pairs) or not all(pairs.values()):
        told = "Write each as the local id, =, and the area's code."
        raise Invalid(told, faults=[Fault("/areas", "wrong-format", told)])
    try:
        id_ = ReferralId(identifier(subject))
        operator_actions.give_areas(visit.desk.context, id_, pairs, **_told(visit, form))
    except Invalid as error:
        raise Invalid(error.message, faults=[_at_field(fault) for fault in error.faults]) from None


def _at_field(fault: Fault) -> Fault:
    """Point at the field of the form that a document's pointer is about."""
    about = "/areas" if fault.pointer.startswith("/areas") else fault.pointer
    return Fault(about, fault.code, fault.message)


def _correct(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    operator_actions.correct_cause(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        milestone=form.get("milestone", ""),
        cause=form.get("cause", ""),
        by=visit.by,
        reason=form.get("reason", ""),
    )


def _told(visit: Visit, form: Mapping[str, str]) -> dict[str, str]:
    return {"by": visit.by, "reason": form.get("reason", "")}


KINDS: Mapping[str, Doing] = {
    "replay": Doing(
        "Replay a delivery",
        "It goes back into its agency's queue under the same id. Its deadlines stay.",
        "Replay",
        "replayed",
        _of_delivery,
        lambda v, s, f: operator_actions.replay(
            v.desk.context, DeliveryId(identifier(s)), **_told(v, f)
        ),
    ),
    "reroute": Doing(
        "Send a delivery on",
        "Another agency gets it in place of this one. Its clock keeps its start.",
        "Send on",
        "sent-on",
        lambda v, s: _of_delivery(v, s, _AGENCY, _AREA),
        _reroute,
    ),
    "areas": Doing(
        "Give an area",
        "The referral is routed again. Its clock keeps its start.",
        "Give the area",
        "areas-given",
        lambda v, s: _of_referral(v, s, _AREAS),
        _give_areas,
    ),
    "route": Doing(
        "Route a referral again",
        "It is routed as it is, under the policy in force: when a fault was mended, or the "
        "directory. Its clock keeps its start.",
        "Route again",
        "rerouted",
        _of_referral,
        lambda v, s, f: operator_actions.retry_routing(
            v.desk.context, ReferralId(identifier(s)), **_told(v, f)
        ),
    ),
    "acknowledge": Doing(
        "Acknowledge an escalation",
        "You say that you see to it. Nobody else is alarmed; the deadline stays missed.",
        "I see to it",
        "acknowledged",
        _of_escalation,
        lambda v, s, f: operator_actions.acknowledge(
            v.desk.context, EscalationId(identifier(s)), **_told(v, f)
        ),
    ),
    "pause": Doing(
        "Pause delivery to an agency",
        "Nothing is offered to it until somebody resumes it. What it holds it keeps, and every "
        "deadline runs on.",
        "Pause delivery",
        "paused",
        _of_agency,
        lambda v, s, f: operator_actions.suspend_agency(
            v.desk.context, OrganisationCode(s), **_told(v, f)
        ),
    ),
    "resume": Doing(
        "Resume delivery to an agency",
        "Its queue is offered to it again, worst deadline first.",
        "Resume delivery",
        "resumed",
        _of_agency,
        lambda v, s, f: operator_actions.resume_agency(
            v.desk.context, OrganisationCode(s), **_told(v, f)
        ),
    ),
    "cause": Doing(
        "Correct the cause of a breach",
        "What the broker had found stays in the history.",
        "Correct",
        "corrected",
        lambda v, s: _of_delivery(
            v,
            s,
            Field("milestone", "Deadline", choices={str(one): one for one in Milestone}),
            Field(
                "cause", "Cause", choices={one: CAUSE_NAMES[one] for one in operator_actions.CAUSES}
            ),
        ),
        _correct,
    ),
}
REVEAL = Doing(
    "Show the content of a referral",
    "Your name, the time and your reason go into the referral's history, where its publisher sees "
    "that you looked. The page leads back after five minutes.",
    "Show the content",
    "",
    _of_referral,
    lambda *_: None,
)
