"""The pages of a draft: the task list, its lists, and how a draft begins and is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from broker.errors import Invalid, NotFound
from broker.inbox.access import Visit
from broker.policy.time.duration_words import how_many
from broker.policy.time.moments import length, local_day, moment
from broker.referral_form import draft_acts, draft_names
from broker.referral_form.access import id_in_path, revision_in
from broker.referral_form.draft_acts import Review
from broker.referral_form.draft_links import in_section, place_of
from broker.referral_form.json_paths import get
from broker.referral_form.rendering import ROOT, page
from broker.referral_form.sections import HELPFUL, LISTINGS, NEEDED, SECTIONS, Listing, Section

Form = Mapping[str, str]
_HANDLING = "handling"
_CONFIRMATIONS = {"removed": "It is removed from this draft.", "saved": "The draft is saved."}


@dataclass(frozen=True, slots=True)
class Task:
    """A row of the task list."""

    title: str
    address: str
    hint: str
    status: str
    is_open: bool
    """Whether something in it is still open."""


async def ask_reference(visit: Visit) -> Response:
    """Ask for the force's own reference, with which a draft begins."""
    return page("new", visit=visit, faults={}, form={})


async def begin(visit: Visit, form: Form) -> Response:
    """Begin a draft and lead to its task list."""
    try:
        draft = await visit.inboxes.run(
            draft_acts.begin, visit.context, visit.person, form.get("reference", "")
        )
    except Invalid as error:
        faults = {"reference": error.faults[0].message}
        return page("new", 422, visit=visit, faults=faults, form=form)
    return RedirectResponse(f"{ROOT}/drafts/{draft}", 303)


async def task_list(visit: Visit) -> Response:
    """Show what is needed, what helps, and whether the draft can be sent."""
    values = await visit.inboxes.run(_task_list, visit)
    done = visit.request.query_params.get("done", "")
    return page("task_list", visit=visit, confirmation=_CONFIRMATIONS.get(done), **values)


def _task_list(visit: Visit) -> dict[str, Any]:
    draft = draft_acts.open_draft(visit.context, visit.person, id_in_path(visit))
    document, now = draft_acts.document_of(draft), visit.context.clock()
    review = draft_acts.review(visit.context, visit.agency, draft)
    tasks = [list(_tasks(group, document, review, now)) for group in (NEEDED, HELPFUL)]
    return {
        "draft": draft,
        "needed": tasks[0],
        "helpful": [_voices(document, review), *tasks[1]],
        "is_ready": review.is_ready,
        "sentence": _sentence(review, tasks[0]),
        "known_for": _known_for(document, now),
    }


def _tasks(
    sections: Sequence[Section], document: Mapping[str, Any], review: Review, now: datetime
) -> Iterator[Task]:
    for section in sections:
        missing = in_section(review.missing, section)
        open_ = in_section(review.unanswered, section)
        hint = draft_names.hint(section.key, document, local_day(now))
        is_empty = not hint and section not in NEEDED
        if section.key == _HANDLING and section.key not in document:
            status, is_open = "Not looked at yet", True
        elif section.key == _HANDLING:
            hint, status, is_open = _embargo(document, now), "Completed", False
        elif missing or (section.key == "children" and not hint):
            status, is_open = ("Not complete" if hint or open_ else "Not started"), bool(missing)
        else:
            status, is_open = ("Nothing yet" if is_empty else "Completed"), False
        if open_ and not missing:
            status, is_open = f"{how_many(len(open_), 'answer')} open", True
        address = section.key if len(section.parts) > 1 else section.parts[0].key
        yield Task(section.title, address, hint, status, is_open)


def _embargo(document: Mapping[str, Any], now: datetime) -> str:
    until = get(document, (_HANDLING, "embargo", "until"))
    try:
        return f"No contact before {moment(datetime.fromisoformat(until), now)}"
    except (TypeError, ValueError):
        return ""


def _voices(document: Mapping[str, Any], review: Review) -> Task:
    """Return the row about what the children said."""
    section = SECTIONS["children"]
    open_ = in_section(review.unanswered, section, is_voice=True)
    children = draft_names.items(document, ("children",))
    if not children:
        return Task("What the children said", "voices", "", "Add a child first", is_open=False)
    status = f"{how_many(len(open_), 'answer')} open" if open_ else "Completed"
    return Task("What the children said", "voices", "", status, is_open=bool(open_))


def _sentence(review: Review, needed: Sequence[Task]) -> str:
    """Return whether the draft can be sent, in one sentence."""
    if review.is_ready:
        count = len(review.unanswered)
        open_ = f" {how_many(count, 'answer')} {'is' if count == 1 else 'are'} still open."
        return f"You can send it now.{open_ if count else ''}"
    titles = {place.section.title for fault in review.missing if (place := place_of(fault.pointer))}
    ordered = [task.title for task in needed if task.title in titles]
    where = f" Complete: {'; '.join(ordered)}." if ordered else ""
    return f"You cannot send it yet.{where}"


def _known_for(document: Mapping[str, Any], now: datetime) -> str:
    """Return since when police have known; empty where nobody entered it."""
    known_at = get(document, ("times", "first_known_at"))
    try:
        at = datetime.fromisoformat(known_at)
        return f"Police first knew {moment(at, now)}, {length(now - at)} ago."
    except (TypeError, ValueError):
        return ""


async def show_section(visit: Visit, section: Section) -> Response:
    """Show the parts of a section that has several."""
    values = await visit.inboxes.run(_section, visit, section)
    return page("section", visit=visit, section=section, **values)


def _section(visit: Visit, section: Section) -> dict[str, Any]:
    draft = draft_acts.open_draft(visit.context, visit.person, id_in_path(visit))
    document, now = draft_acts.document_of(draft), visit.context.clock()
    parts = [
        (part, lines(part, document, now) if isinstance(part, Listing) else None)
        for part in section.parts
    ]
    return {"draft": draft, "parts": parts}


def lines(listing: Listing, document: Mapping[str, Any], now: datetime) -> list[str]:
    """Return one line for each item of a list."""
    on = local_day(now)
    items = draft_names.items(document, listing.path)
    return [draft_names.headline(item, listing.key, on) for item in items]


async def show_listing(visit: Visit, listing: Listing) -> Response:
    """Show the items of a list, and how to add, change and remove one."""
    values = await visit.inboxes.run(_listing, visit, listing)
    done = visit.request.query_params.get("done", "")
    confirmation = _CONFIRMATIONS.get(done)
    return page("listing", visit=visit, listing=listing, confirmation=confirmation, **values)


def _listing(visit: Visit, listing: Listing) -> dict[str, Any]:
    draft = draft_acts.open_draft(visit.context, visit.person, id_in_path(visit))
    document, now = draft_acts.document_of(draft), visit.context.clock()
    return {"draft": draft, "lines": lines(listing, document, now)}


async def show_voices(visit: Visit) -> Response:
    """Show the children, each with a link to what they said."""
    values = await visit.inboxes.run(_voice_lines, visit)
    return page("voices", visit=visit, **values)


def _voice_lines(visit: Visit) -> dict[str, Any]:
    """Return a line for each child, and for each person under 18 who may pose a risk."""
    values, persons = _listing(visit, LISTINGS["children"]), LISTINGS["people"]
    document, now = draft_acts.document_of(values["draft"]), visit.context.clock()
    people = draft_names.items(document, persons.path)
    harmed = [
        (number, line)
        for number, line in enumerate(lines(persons, document, now))
        if draft_names.is_under_age(people[number], local_day(now))
    ]
    return {**values, "harmed": harmed}


async def ask_delete(visit: Visit) -> Response:
    """Ask whether to delete a draft."""
    draft = await visit.inboxes.run(
        draft_acts.open_draft, visit.context, visit.person, id_in_path(visit)
    )
    return page("delete", visit=visit, draft=draft)


async def delete(visit: Visit, form: Form) -> Response:
    """Delete a draft, as it was when the page was opened."""
    await visit.inboxes.run(_delete, visit, revision_in(form))
    return RedirectResponse(f"{ROOT}/?done=deleted", 303)


def _delete(visit: Visit, revision: int) -> None:
    draft = draft_acts.open_draft(visit.context, visit.person, id_in_path(visit))
    draft_acts.delete(visit.context, visit.person, draft, revision=revision)


def number_in(text: str, items: Sequence[Any]) -> int:
    """Return the place of an item that an address names. Raises NotFound."""
    if text.isascii() and text.isdigit() and len(text) < 4 and int(text) < len(items):
        return int(text)
    raise NotFound("This is not in the draft any more.")


def listing_in_path(visit: Visit) -> Listing:
    """Return the list that the address names. Raises NotFound."""
    listing = LISTINGS.get(visit.request.path_params["part"])
    if listing is None:
        raise NotFound("Check the web address.")
    return listing
