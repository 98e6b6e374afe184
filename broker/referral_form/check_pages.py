"""Check before sending: who will get a draft, what each of them sees, and by when; then send it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from starlette.responses import RedirectResponse, Response

from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.domain.ids import OrganisationCode
from broker.domain.states import DeliveryState
from broker.errors import Conflict, Invalid
from broker.inbox.access import Visit
from broker.inbox.document_source import RemarkPool, joined
from broker.ledger.drafts import Draft
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import UNTIL_RELEASED, Assignment
from broker.policy.routing.plan import Plan
from broker.policy.time.duration_words import how_many
from broker.policy.time.moments import local_day, moment
from broker.referral_form import draft_acts, draft_names
from broker.referral_form.access import id_in_path, revision_in
from broker.referral_form.answers_document import answers, what_changed
from broker.referral_form.draft_links import place_of
from broker.referral_form.draft_pages import Form
from broker.referral_form.page_answers import REQUIRED
from broker.referral_form.rendering import ROOT, page
from schemas.errors import Fault

_NOT_TOLD = "not-disclosed"
"""The code of a warning that somebody is not told, as the publisher asked."""
_DO: Mapping[Role, Mapping[Milestone, str]] = {
    Role.LEAD: {Milestone.ACKNOWLEDGE: "takes it on by", Milestone.DECIDE: "decides by"},
    Role.COPY: {Milestone.ACKNOWLEDGE: "reads it by", Milestone.DECIDE: "decides by"},
}


_WITHOUT_IT = frozenset(
    {
        *(DeliveryState.HELD, DeliveryState.RETURNED),
        *(DeliveryState.RECALLED, DeliveryState.HANDED_OVER),
    }
)
_HAS_IT = (
    "Has the referral, and gets the correction at once. Its deadlines count from when it got the "
    "referral."
)
Holders = frozenset[tuple[OrganisationCode, Role]]


@dataclass(frozen=True, slots=True)
class PlannedRecipient:
    """An agency that would get a part of the draft."""

    name: str
    when: str
    """When it gets it."""
    deadlines: list[tuple[str, str]]
    """What it does by when."""
    why: str
    about: str
    """Whom it sees."""
    sees: str
    fields: tuple[str, ...]
    """Everything that it sees, in detail."""
    is_held: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Something to look at before sending, and the page that asks about it."""

    text: str
    address: str


async def show(visit: Visit) -> Response:
    """Show what would become of the draft. Nothing is stored."""
    values = await visit.inboxes.run(_values, visit)
    return page("check", visit=visit, **values)


async def send(visit: Visit, form: Form) -> Response:
    """Send the draft as it was checked."""
    try:
        referral = await visit.inboxes.run(_send, visit, revision_in(form))
    except (Conflict, Invalid) as error:
        values = await visit.inboxes.run(_values, visit)
        return page("check", 409, visit=visit, problem=error.message, **values)
    return RedirectResponse(f"{ROOT}/sent/{referral}?done=sent", 303)


def _send(visit: Visit, revision: int) -> Any:
    draft = draft_acts.open_draft(visit.context, visit.person, id_in_path(visit))
    return draft_acts.send(visit.context, visit.person, draft, revision=revision)


def _values(visit: Visit) -> dict[str, Any]:
    context, now = visit.context, visit.context.clock()
    draft = draft_acts.open_draft(context, visit.person, id_in_path(visit))
    written, policy = draft_acts.document_of(draft), context.policies.latest()
    review = draft_acts.review(context, visit.agency, draft)
    people = draft_names.names(written, local_day(now))
    plan, faults = review.plan, list(review.defects)
    holders = _holders(visit, draft)
    recipients = list(recipients_of(plan, policy, people, now, holders)) if plan else []
    changes = _changes(visit, draft, written, now)
    return {
        "draft": draft,
        "now": now,
        "is_ready": review.is_ready and changes != [],
        "missing": [_missing(fault) for fault in review.missing],
        "recipients": recipients,
        "not_told": list(_notes(_warnings(plan, told=False), people)),
        "unroutable": _unroutable(plan, now),
        "notes": list(_notes([*_warnings(plan), *faults], people)),
        "document": answers(written, now=now, defects=review.defects),
        "changes": changes,
        "raised": plan.raised_because if plan else None,
        "agencies": how_many(
            len({recipient.name for recipient in recipients}), "agency", "agencies"
        ),
    }


def _holders(visit: Visit, draft: Draft) -> Holders:
    """Return who has the referral that a draft corrects already, each in its role."""
    if draft.corrects is None:
        return frozenset()
    deliveries = draft_acts.sent(visit.context, visit.person, draft.corrects).deliveries
    return frozenset(
        (delivery.agency, delivery.role)
        for delivery in deliveries
        if delivery.kind is DeliveryKind.REFERRAL and delivery.state not in _WITHOUT_IT
    )


def recipients_of(
    plan: Plan, policy: Policy, people: Mapping[str, str], now: datetime, holders: Holders
) -> Iterator[PlannedRecipient]:
    """Yield who would get it, in the order of the plan, with names in place of codes.

    The deadlines of ``holders`` began with the referral: a correction does not begin them again.
    """
    for assignment in plan.assignments:
        has_it = (assignment.agency, assignment.role) in holders and not assignment.held_until
        view = policy.views[assignment.view]
        seen = [people[id_] for id_ in (*assignment.children, *assignment.persons) if id_ in people]
        yield PlannedRecipient(
            name=policy.directory.organisation_name(assignment.agency),
            when=_HAS_IT if has_it else _when(assignment, now),
            deadlines=[
                (verb, moment(assignment.due[milestone], now))
                for milestone, verb in _DO[assignment.role].items()
                if milestone in assignment.due and not has_it
            ],
            why=str(assignment.explanation["sentence"]),
            about=joined(seen),
            sees=view.sentence,
            fields=view.in_words,
            is_held=assignment.held_until is not None,
        )


def _when(assignment: Assignment, now: datetime) -> str:
    if assignment.held_until is None:
        return "Gets it at once."
    if assignment.held_until == UNTIL_RELEASED:
        return "Waits until a person in the broker’s team releases it."
    return f"Waits until the embargo ends: {moment(assignment.held_until, now)}."


def _warnings(plan: Plan | None, *, told: bool = True) -> list[Fault]:
    """Return what the plan warns of; with ``told=False`` that somebody is not told."""
    warnings = plan.warnings if plan else ()
    return [warning for warning in warnings if (warning.code != _NOT_TOLD) is told]


def _notes(faults: Sequence[Fault], people: Mapping[str, str]) -> Iterator[Note]:
    """Yield faults in words, with names in place of ids, each with the page to change it."""
    pool = RemarkPool.of({"defects": [asdict(fault) for fault in faults]}, people)
    for pointer, _, remark in pool.places.get("", []):
        place = place_of(pointer)
        yield Note(remark.text, place.address if place else "")


def _missing(fault: Fault) -> Note:
    place = place_of(fault.pointer)
    where = place.section.title if place else "The referral"
    text = f"{where}: an answer is needed." if fault.code == REQUIRED else fault.message
    return Note(text, place.address if place else "")


def _unroutable(plan: Plan | None, now: datetime) -> str:
    """Return what happens where no agency is found; empty where one is."""
    if plan is None or plan.unroutable_reason is None or plan.attend_by is None:
        return ""
    return (
        "No agency matches. If you send it like this, the broker’s team must find one by "
        f"{moment(plan.attend_by, now)}."
    )


def _changes(
    visit: Visit, draft: Draft, written: Mapping[str, Any], now: datetime
) -> list[Any] | None:
    """Return what a correction changes; None for a new referral."""
    if draft.corrects is None:
        return None
    before = orjson.loads(visit.context.ledger.queries.content(draft.corrects) or b"{}")
    return what_changed(before, written, now=now)
