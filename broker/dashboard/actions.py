"""The pages for actions: each says what will happen, asks why, does it, and leads back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from broker.admin import hold_actions, operator_actions
from broker.admin.action_context import LONGEST_REASON
from broker.dashboard import placing, subjects
from broker.dashboard.access import Visit
from broker.dashboard.pages import identifier
from broker.dashboard.paths import ROOT
from broker.dashboard.rendering import page
from broker.dashboard.subjects import Check, Field, Subject
from broker.dashboard.wording import CAUSE_NAMES
from broker.domain.codes import Milestone, Right
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId, TaskId
from broker.errors import BrokerError, CorrectedSince, Fault, Invalid, NotFound, RedirectRefused
from broker.policy.time.calendars import LONDON

REVEALED_SECONDS = 300
"""After so long a page with content leads back to the one without."""


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
    check: Callable[[Visit, str, Mapping[str, str]], Check] | None = None
    """Works out what it would come to, where a person must confirm that first."""


async def ask(visit: Visit) -> Response:
    """Show what an action would do.

    The link may name the milestone that it is about, and the version that the page showed.
    """
    asked = visit.request.query_params
    form = {name: asked.get(name, "") for name in ("milestone", subjects.VERSION)}
    return await _form(visit, _action(visit), form, None)


async def perform(visit: Visit, form: Mapping[str, str]) -> Response:
    """Perform an action and lead back; show the form again if something is missing."""
    action, id_ = _action(visit), visit.request.path_params["subject"]
    if "change" in form:
        return await _form(visit, action, form, None)
    subject = await visit.desk.run(action.look_up, visit, id_)
    try:
        _check_version(subject, form)
        if action.check:
            check = await visit.desk.run(action.check, visit, id_, form)
            if form.get("confirmed") != check.confirms:
                return _confirm(visit, action, subject, form, check)
        await visit.desk.run(action.perform, visit, id_, form)
    except (Invalid, RedirectRefused, CorrectedSince) as error:
        return await _form(visit, action, form, error)
    return RedirectResponse(f"{subject.back}?done={action.confirmation}", 303)


def _check_version(subject: Subject, form: Mapping[str, str]) -> None:
    """Raise CorrectedSince before anything is worked out for a version that nobody has seen.

    The ledger checks it again, where no correction can come between.
    """
    seen = subjects.seen_version(form)
    if seen is not None and subject.version not in (None, seen):
        raise CorrectedSince


def _confirm(
    visit: Visit,
    action: Action,
    subject: Subject,
    form: Mapping[str, str],
    check: Check,
) -> Response:
    """Show what follows; nothing is done until a person confirms it."""
    return page(
        check.template,
        visit=visit,
        action=action,
        subject=subject,
        form=form,
        check=check,
        **check.values,
    )


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
    if error and (not faults or isinstance(error, CorrectedSince)):
        faults = {"reason": error.message}
    return page(
        "action",
        _status(error),
        visit=visit,
        action=action,
        subject=subject,
        form=form,
        faults=faults,
        longest=LONGEST_REASON,
    )


def _status(error: BrokerError | None) -> int:
    if error is None:
        return 200
    return 409 if isinstance(error, CorrectedSince) else 422


def _action(visit: Visit) -> Action:
    action = ACTIONS.get(visit.request.path_params["kind"])
    if action is None:
        raise NotFound("This action does not exist.")
    return action


_UNTIL = Field("until", "New end", "UK time, such as 2026-12-18 12:00.")
_MILESTONE = Field(
    "milestone", "Deadline", choices={str(milestone): milestone for milestone in Milestone}
)
_CAUSE = Field(
    "cause", "Cause", choices={cause: CAUSE_NAMES[cause] for cause in operator_actions.CAUSES}
)


def _replay(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    delivery = DeliveryId(identifier(subject))
    operator_actions.replay(visit.desk.context, delivery, **subjects.by_and_why(visit, form))


def _release(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    delivery = DeliveryId(identifier(subject))
    hold_actions.release_hold(visit.desk.context, delivery, **subjects.by_and_seen(visit, form))


def _keep(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    delivery = DeliveryId(identifier(subject))
    hold_actions.keep_hold(visit.desk.context, delivery, **subjects.by_and_seen(visit, form))


def _extend(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    hold_actions.extend_hold(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        until=_until(form),
        **subjects.by_and_seen(visit, form),
    )


def _until(form: Mapping[str, str]) -> datetime:
    """Return the time that was typed: UK time, unless it names another offset. Raises Invalid."""
    try:
        typed = datetime.fromisoformat(form.get("until", "").strip())
        return typed if typed.tzinfo else typed.replace(tzinfo=LONDON)
    except ValueError as error:
        message = "Enter the new end in UK time, such as 2026-12-18 12:00."
        raise Invalid(message, faults=[Fault("/until", "bad-time", message)]) from error


def _retry_routing(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    referral = ReferralId(identifier(subject))
    operator_actions.retry_routing(visit.desk.context, referral, **subjects.by_and_why(visit, form))


def _settle_task(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    task = TaskId(identifier(subject))
    operator_actions.settle_task(visit.desk.context, task, **subjects.by_and_why(visit, form))


def _suspend(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    agency = OrganisationCode(subject)
    operator_actions.suspend_agency(visit.desk.context, agency, **subjects.by_and_why(visit, form))


def _resume(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    agency = OrganisationCode(subject)
    operator_actions.resume_agency(visit.desk.context, agency, **subjects.by_and_why(visit, form))


def _correct_cause(visit: Visit, subject: str, form: Mapping[str, str]) -> None:
    operator_actions.correct_cause(
        visit.desk.context,
        DeliveryId(identifier(subject)),
        milestone=form.get("milestone", ""),
        cause=form.get("cause", ""),
        **subjects.by_and_why(visit, form),
    )


ACTIONS: Mapping[str, Action] = {
    "replay": Action(
        "Replay a delivery",
        "It goes back into the agency's queue under the same ID. The deadlines do not change.",
        "Replay",
        "replayed",
        subjects.of_delivery,
        _replay,
    ),
    "release": Action(
        "Release a held delivery",
        "The agency is offered it now, before the embargo or the check has ended. Its deadlines "
        "count from now.",
        "Release",
        "released",
        subjects.of_delivery,
        _release,
    ),
    "keep": Action(
        "Keep a delivery held",
        "Nothing changes. The history says that you looked at it, and why it stays held.",
        "Keep it held",
        "kept",
        subjects.of_delivery,
        _keep,
    ),
    "extend": Action(
        "Extend an embargo",
        "The agency is not offered it before the new end. Its deadlines count from then.",
        "Extend",
        "extended",
        lambda visit, subject: subjects.of_delivery(visit, subject, _UNTIL),
        _extend,
    ),
    "reroute": Action(
        "Redirect a delivery",
        "Another agency of the same kind gets it instead. The deadlines do not change. We show you "
        "who will see what before it is redirected.",
        "Continue",
        "sent-on",
        placing.of_redirect,
        placing.redirect,
        placing.check_redirect,
    ),
    "areas": Action(
        "Add an area",
        "We route the referral again, with this area. The deadlines do not change. We show you who "
        "would get it before it is routed.",
        "Continue",
        "areas-given",
        placing.of_areas,
        placing.give_areas,
        placing.check_areas,
    ),
    "route": Action(
        "Retry routing",
        "We route the referral again as it is, under the current policy. Use this after the "
        "directory or a fault was corrected. The deadlines do not change.",
        "Retry routing",
        "rerouted",
        subjects.of_referral,
        _retry_routing,
    ),
    "settle": Action(
        "Settle a task",
        "Say in the reason what was done. Its escalation ends; the referral does not change.",
        "Settle",
        "settled",
        subjects.of_task,
        _settle_task,
    ),
    "pause": Action(
        "Suspend delivery to an agency",
        "We offer it nothing new until someone resumes delivery. It keeps what it has, and every "
        "deadline runs on.",
        "Suspend delivery",
        "paused",
        subjects.of_agency,
        _suspend,
    ),
    "resume": Action(
        "Resume delivery to an agency",
        "We offer its queue again, the most urgent deadline first.",
        "Resume delivery",
        "resumed",
        subjects.of_agency,
        _resume,
    ),
    "cause": Action(
        "Correct the cause of a missed deadline",
        "The history keeps the cause that we recorded first.",
        "Correct",
        "corrected",
        lambda visit, subject: subjects.of_delivery(visit, subject, _MILESTONE, _CAUSE),
        _correct_cause,
    ),
}
REVEAL = Action(
    "Show the content of a referral",
    "We record your name, the time and your reason. The publisher of the referral can see them. "
    "The page closes after 5 minutes.",
    "Show the content",
    "",
    subjects.of_referral,
    lambda *_: None,
)
