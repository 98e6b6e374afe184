"""The pages for actions: each says what will happen, asks why, does it, and leads back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from broker.admin import operator_actions
from broker.dashboard.access import Visit
from broker.dashboard.pages import identifier
from broker.dashboard.paths import ROOT
from broker.dashboard.rendering import page
from broker.dashboard.wording import CAUSE_NAMES, plain
from broker.domain.codes import Milestone, Right
from broker.domain.delivery import DeliveryStatus, RedirectPreview
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId, TaskId
from broker.domain.referral import ReferralStatus
from broker.errors import BrokerError, Fault, Invalid, NotFound, RedirectRefused
from broker.policy.time.calendars import LONDON

REVEALED_SECONDS = 300
"""After so long a page with content leads back to the one without."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form, beside the reason."""

    name: str
    label: str
    hint: str = ""
    choices: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is about: its facts, and the page to go back to."""

    facts: Mapping[str, str]
    back: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of action: its texts, how its subject is looked up, and what performs it."""

    title: str
    effect: str
    button: str
    confirmation: str
    """The key of its confirmation in ``pages``."""
    look_up: Callable[[Visit, str], Subject]
    perform: Callable[[Visit, str, Mapping[str, str]], object]
    preview: Callable[[Visit, str, Mapping[str, str]], RedirectPreview] | None = None
    """What it would come to, which a person sees and confirms before it is performed."""


async def ask(visit: Visit) -> Response:
    """Show what an action would do; the link may name the milestone that it is about."""
    form = {"milestone": visit.request.query_params.get("milestone", "")}
    return await _form(visit, _action(visit), form, None)


async def perform(visit: Visit, form: Mapping[str, str]) -> Response:
    """Perform an action and lead back; show the form again if something is missing."""
    action, id_ = _action(visit), visit.request.path_params["subject"]
    subject = await visit.desk.run(action.look_up, visit, id_)
    try:
        if action.preview:
            preview = await visit.desk.run(action.preview, visit, id_, form)
            if form.get("confirmed") != _confirmation(preview):
                return _check(visit, action, subject, form, preview)
        await visit.desk.run(action.perform, visit, id_, form)
    except (Invalid, RedirectRefused) as error:
        return await _form(visit, action, form, error)
    return RedirectResponse(f"{subject.back}?done={action.confirmation}", 303)


def _check(
    visit: Visit,
    action: Action,
    subject: Subject,
    form: Mapping[str, str],
    preview: RedirectPreview,
) -> Response:
    """Show who will see what and by when; nothing is done until a person confirms it."""
    return page(
        "check_redirect",
        visit=visit,
        action=action,
        subject=subject,
        form=form,
        preview=preview,
        confirmation=_confirmation(preview),
    )


def _confirmation(preview: RedirectPreview) -> str:
    """Return what a person confirms: when it has changed since, they are asked again."""
    return " ".join([preview.agency, preview.view, *preview.children, *preview.persons])


async def ask_to_reveal(visit: Visit) -> Response:
    """Ask for the reason to see the content."""
    return await _form(visit, REVEAL, {}, None)


async def reveal(visit: Visit, form: Mapping[str, str]) -> Response:
    """Show the content, after recording who sees it and why."""
    context, id_ = visit.desk.context, identifier(visit.request.path_params["subject"])
    reason = form.get("reason", "")
    try:
        document = await visit.desk.run(
            operator_actions.reveal,
            context,
            ReferralId(id_),
            by=visit.by,
            reason=reason,
            may_see_recalled=visit.may(Right.REVEAL_RECALLED),
        )
    except Invalid as error:
        return await _form(visit, REVEAL, form, error)
    response = page(
        "content", visit=visit, id=id_, lines=list(_lines(document)), seconds=REVEALED_SECONDS
    )
    response.headers["Refresh"] = f"{REVEALED_SECONDS}; url={ROOT}/referrals/{id_}"
    return response


def _lines(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every text of a document with the path to it."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _lines(member, f"{path} › {name}" if path else name)
    elif isinstance(value, list):
        for place, item in enumerate(value, 1):
            yield from _lines(item, f"{path} {place}")
    else:
        yield path.replace("_", " "), value


async def _form(
    visit: Visit, action: Action, form: Mapping[str, str], error: BrokerError | None
) -> Response:
    id_ = visit.request.path_params["subject"]
    subject = await visit.desk.run(action.look_up, visit, id_)
    faults = {fault.pointer.strip("/"): fault.message for fault in error.faults} if error else {}
    if error and not faults:
        faults = {"reason": error.message}
    return page(
        "action",
        422 if error else 200,
        visit=visit,
        action=action,
        subject=subject,
        form=form,
        faults=faults,
        longest=operator_actions.LONGEST_REASON,
    )


def _action(visit: Visit) -> Action:
    action = ACTIONS.get(visit.request.path_params["kind"])
    if action is None:
        raise NotFound("This action does not exist.")
    return action


def _delivery(visit: Visit, subject: str) -> tuple[ReferralStatus, DeliveryStatus]:
    ledger, id_ = visit.desk.context.ledger, identifier(subject)
    for referral_id in ledger.monitoring.find(str(id_)):
        referral = ledger.queries.referral(None, id=referral_id)
        for delivery in referral.deliveries if referral else ():
            if delivery.id == id_:
                assert referral is not None
                return referral, delivery
    raise NotFound("No delivery has this ID.")


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
    monitoring, now = visit.desk.context.ledger.monitoring, visit.desk.context.clock()
    presence = monitoring.organisation_status().get(OrganisationCode(subject))
    if presence is None:
        raise NotFound("No agency has this code.")
    work = monitoring.open_work(now=now, agency=subject)
    open_ = work[presence.agency].open if presence.agency in work else 0
    facts = {"Agency": presence.name, "Open deliveries": f"{open_:,}"}
    return Subject(facts, f"{ROOT}/agencies/{subject}")


def _of_task(visit: Visit, subject: str) -> Subject:
    open_tasks = visit.desk.context.ledger.tasks.tasks(id=TaskId(identifier(subject)), limit=1)
    if not open_tasks:
        raise NotFound("This task is settled, or there is none with this ID.")
    task = open_tasks[0]
    facts = {
        "Referral": task.reference or "not stored",
        "Publisher": task.publisher,
        "Task": task.message,
        "What to do": task.action,
    }
    return Subject(facts, f"{ROOT}/attention")


def _of_referral(visit: Visit, subject: str, *fields: Field) -> Subject:
    find = visit.desk.context.ledger.queries.referral
    referral = find(None, id=ReferralId(identifier(subject)))
    if referral is None:
        raise NotFound("No referral has this ID.")
    facts = {
        "Referral": referral.reference,
        "Publisher": referral.publisher,
        "State": str(referral.state),
    }
    return Subject(facts, f"{ROOT}/referrals/{referral.id}", fields)


_AGENCY = Field("agency", "Agency", "Its code, such as shropshire-csc. Or leave this empty.")
_AREA = Field("area", "Area", "Its code, such as E06000051. The agency responsible there gets it.")
_UNTIL = Field("until", "New end", "UK time, such as 2026-12-18 12:00.")
_AREAS = Field("areas", "Person and area", "The local ID and the area, such as child-1=E06000021.")
_MILESTONE = Field(
    "milestone", "Deadline", choices={str(milestone): milestone for milestone in Milestone}
)
_CAUSE = Field(
    "cause", "Cause", choices={cause: CAUSE_NAMES[cause] for cause in operator_actions.CAUSES}
)


def _replay(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    delivery = DeliveryId(identifier(subject))
    operator_actions.replay(visit.desk.context, delivery, **_by_and_why(visit, form))


def _release(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    delivery = DeliveryId(identifier(subject))
    operator_actions.release_hold(visit.desk.context, delivery, **_by_and_why(visit, form))


def _keep(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    delivery = DeliveryId(identifier(subject))
    operator_actions.keep_hold(visit.desk.context, delivery, **_by_and_why(visit, form))


def _extend(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    operator_actions.extend_hold(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        until=_until(form),
        **_by_and_why(visit, form),
    )


def _until(form: Mapping[str, str]) -> datetime:
    """Return the time that was typed: UK time, unless it names another offset. Raises Invalid."""
    try:
        typed = datetime.fromisoformat(form.get("until", "").strip())
        return typed if typed.tzinfo else typed.replace(tzinfo=LONDON)
    except ValueError as error:
        message = "Enter the new end in UK time, such as 2026-12-18 12:00."
        raise Invalid(message, faults=[Fault("/until", "bad-time", message)]) from error


def _redirect(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    area, agency = _target(form)
    operator_actions.redirect(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        area=area,
        agency=agency,
        **_by_and_why(visit, form),
    )


def _preview_redirect(visit: Visit, subject: str, form: Mapping[str, str]) -> RedirectPreview:
    area, agency = _target(form)
    return operator_actions.preview_redirect(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        area=area,
        agency=agency,
        reason=form.get("reason", ""),
    )


def _target(form: Mapping[str, str]) -> tuple[str | None, OrganisationCode | None]:
    """Return the area or the agency that a form names. Raises Invalid unless it names one."""
    agency, area = form.get("agency", "").strip(), form.get("area", "").strip()
    if bool(agency) == bool(area):
        message = "Give an agency or an area, but not both."
        raise Invalid(message, faults=[Fault("/agency", "one-of", message)])
    return area or None, OrganisationCode(agency) if agency else None


def _give_areas(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    pairs = dict(pair.partition("=")[::2] for pair in form.get("areas", "").split())
    if not pairs or not all(pairs) or not all(pairs.values()):
        message = "Write each as the local ID, =, and the code of the area."
        raise Invalid(message, faults=[Fault("/areas", "wrong-format", message)])
    try:
        id_ = ReferralId(identifier(subject))
        operator_actions.give_areas(visit.desk.context, id_, pairs, **_by_and_why(visit, form))
    except Invalid as error:
        raise Invalid(error.message, faults=[_at_field(fault) for fault in error.faults]) from None


def _at_field(fault: Fault) -> Fault:
    """Point at the field of the form that a document's pointer is about."""
    pointer = "/areas" if fault.pointer.startswith("/areas") else fault.pointer
    return Fault(pointer, fault.code, fault.message)


def _retry_routing(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    referral = ReferralId(identifier(subject))
    operator_actions.retry_routing(visit.desk.context, referral, **_by_and_why(visit, form))


def _settle_task(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    task = TaskId(identifier(subject))
    operator_actions.settle_task(visit.desk.context, task, **_by_and_why(visit, form))


def _suspend(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    agency = OrganisationCode(subject)
    operator_actions.suspend_agency(visit.desk.context, agency, **_by_and_why(visit, form))


def _resume(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    agency = OrganisationCode(subject)
    operator_actions.resume_agency(visit.desk.context, agency, **_by_and_why(visit, form))


def _correct_cause(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    operator_actions.correct_cause(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        milestone=form.get("milestone", ""),
        cause=form.get("cause", ""),
        **_by_and_why(visit, form),
    )


def _by_and_why(visit: Visit, form: Mapping[str, str]) -> dict[str, str]:
    return {"by": visit.by, "reason": form.get("reason", "")}


ACTIONS: Mapping[str, Action] = {
    "replay": Action(
        "Replay a delivery",
        "It goes back into the agency's queue under the same ID. The deadlines do not change.",
        "Replay",
        "replayed",
        _of_delivery,
        _replay,
    ),
    "release": Action(
        "Release a held delivery",
        "The agency is offered it now, before the embargo or the check has ended. Its deadlines "
        "count from now.",
        "Release",
        "released",
        _of_delivery,
        _release,
    ),
    "keep": Action(
        "Keep a delivery held",
        "Nothing changes. The history says that you looked at it, and why it stays held.",
        "Keep it held",
        "kept",
        _of_delivery,
        _keep,
    ),
    "extend": Action(
        "Extend an embargo",
        "The agency is not offered it before the new end. Its deadlines count from then.",
        "Extend",
        "extended",
        lambda visit, subject: _of_delivery(visit, subject, _UNTIL),
        _extend,
    ),
    "reroute": Action(
        "Redirect a delivery",
        "Another agency of the same kind gets it instead. The deadlines do not change. We show you "
        "who will see what before it is redirected.",
        "Continue",
        "sent-on",
        lambda visit, subject: _of_delivery(visit, subject, _AGENCY, _AREA),
        _redirect,
        _preview_redirect,
    ),
    "areas": Action(
        "Add an area",
        "We route the referral again, with this area. The deadlines do not change.",
        "Add the area",
        "areas-given",
        lambda visit, subject: _of_referral(visit, subject, _AREAS),
        _give_areas,
    ),
    "route": Action(
        "Retry routing",
        "We route the referral again as it is, under the current policy. Use this after the "
        "directory or a fault was corrected. The deadlines do not change.",
        "Retry routing",
        "rerouted",
        _of_referral,
        _retry_routing,
    ),
    "settle": Action(
        "Settle a task",
        "Say in the reason what was done. Its escalation ends; the referral does not change.",
        "Settle",
        "settled",
        _of_task,
        _settle_task,
    ),
    "pause": Action(
        "Suspend delivery to an agency",
        "We offer it nothing new until someone resumes delivery. It keeps what it has, and every "
        "deadline runs on.",
        "Suspend delivery",
        "paused",
        _of_agency,
        _suspend,
    ),
    "resume": Action(
        "Resume delivery to an agency",
        "We offer its queue again, the most urgent deadline first.",
        "Resume delivery",
        "resumed",
        _of_agency,
        _resume,
    ),
    "cause": Action(
        "Correct the cause of a missed deadline",
        "The history keeps the cause that we recorded first.",
        "Correct",
        "corrected",
        lambda visit, subject: _of_delivery(visit, subject, _MILESTONE, _CAUSE),
        _correct_cause,
    ),
}
REVEAL = Action(
    "Show the content of a referral",
    "We record your name, the time and your reason. The publisher of the referral can see them. "
    "The page closes after 5 minutes.",
    "Show the content",
    "",
    _of_referral,
    lambda *_: None,
)
