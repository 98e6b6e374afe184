"""Pages of questions: shown with what is written, saved, or shown again with what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from starlette.responses import RedirectResponse, Response

from broker.errors import Conflict, Invalid, NotFound
from broker.inbox.access import Visit
from broker.ledger.drafts import Draft
from broker.policy.language.vocabulary import SOCIAL_CARE
from broker.policy.places.gazetteer import Match
from broker.policy.published.policy import Policy
from broker.policy.time.moments import local_day, moment
from broker.referral_form import draft_acts, draft_names, voice_answers
from broker.referral_form.access import id_in_path, revision_in
from broker.referral_form.draft_pages import (
    Form,
    listing_in_path,
    number_in,
    show_listing,
    show_section,
)
from broker.referral_form.form_values import Around
from broker.referral_form.json_paths import ABSENT, get, put, remove
from broker.referral_form.page_answers import Answered, answer, around, form_of
from broker.referral_form.questions import Path
from broker.referral_form.rendering import ROOT
from broker.referral_form.rendering import page as render
from broker.referral_form.sections import (
    LISTINGS,
    PAGES,
    SECTION_OF,
    SECTIONS,
    VOICE,
    Listing,
    Page,
)

NEW = "new"
_POSTCODE = "address-postcode"
_HANDLING = "handling"


@dataclass(slots=True)
class Target:
    """A page of a draft, with all that it needs."""

    draft: Draft
    document: dict[str, Any]
    page: Page
    base: Path
    context: Around
    policy: Policy
    now: datetime
    listing: Listing | None = None
    number: int | None = None
    """The place of the item in its list; None for a page about the document."""
    is_new: bool = False
    form: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Whom or what the page is about, where that has a line of its own."""
        item = get(self.document, self.base)
        if self.listing is None or self.is_new or item is ABSENT:
            return f"New: {self.listing.noun}" if self.listing and self.is_new else ""
        if self.page is VOICE:
            item = get(self.document, self.base[:-1])
        return draft_names.headline(item, self.listing.key, local_day(self.now))

    @property
    def item(self) -> str:
        """The local id of the item that the page is about; empty where it has none."""
        if self.number is None or self.is_new or not (self.listing and self.listing.prefix):
            return ""
        id_ = get(self.document, (*self.listing.path, self.number, "id"))
        return id_ if isinstance(id_, str) else ""

    @property
    def back(self) -> str:
        """The address to go back to, below that of the draft."""
        if self.listing is not None:
            return self.listing.key
        section = SECTION_OF[self.page.key]
        return section.key if len(section.parts) > 1 else ""


async def show_part(visit: Visit) -> Response:
    """Show a page of questions, a list or a section, by its name."""
    key = visit.request.path_params["part"]
    if key in PAGES:
        return _shown(visit, await visit.inboxes.run(_target, visit))
    if key in LISTINGS:
        return await show_listing(visit, LISTINGS[key])
    if key in SECTIONS:
        return await show_section(visit, SECTIONS[key])
    raise NotFound("Check the web address.")


async def show_item(visit: Visit) -> Response:
    """Show a page of an item of a list."""
    return _shown(visit, await visit.inboxes.run(_target, visit))


async def save(visit: Visit, form: Form) -> Response:
    """Save a page, and go on to the next one; or show it again with what is wrong."""
    target = await visit.inboxes.run(_save, visit, form)
    if target.faults:
        return _shown(visit, target, 422)
    return RedirectResponse(f"{ROOT}/drafts/{target.draft.id}/{_next(target, form)}", 303)


async def show_again(visit: Visit, form: Form) -> Response:
    """Show a page with what was typed in an earlier session; nothing is saved."""
    target = await visit.inboxes.run(_target, visit, form)
    target.form |= dict.fromkeys(target.form, "") | dict(form)
    message = "You were signed out, so this was not saved. Check what you entered, and save."
    if revision_in(form) != target.draft.revision:
        message = _overtaken(target)
    target.faults = {target.page.questions[0].name: message}
    return _shown(visit, target, 422)


def _shown(visit: Visit, target: Target, status: int = 200) -> Response:
    template = "voice" if target.page is VOICE else "questions"
    located, is_found = located_at(target) if _POSTCODE in target.form else ("", False)
    return render(
        template,
        status,
        visit=visit,
        target=target,
        words=voice_answers.WORDS,
        seen=voice_answers.SEEN,
        located=located,
        is_found=is_found,
        now=target.now,
    )


def _target(visit: Visit, form: Form = MappingProxyType({})) -> Target:
    """Return the page that an address names, of the item with which it was opened."""
    draft = draft_acts.open_draft(visit.context, visit.person, id_in_path(visit))
    params, now = visit.request.path_params, visit.context.clock()
    document, policy = draft_acts.document_of(draft), visit.context.policies.latest()
    context = around(document, policy.gazetteer, local_day(now))
    if "item" not in params:
        if params["part"] not in PAGES:
            raise NotFound("Check the web address.")
        target = Target(draft, document, PAGES[params["part"]], (), context, policy, now)
    else:
        listing = listing_in_path(visit)
        number, is_new = _number(params["item"], listing, document, form.get("item", ""))
        page = _page(listing, params.get("page", ""))
        base: Path = (*listing.path, number, *(["voice"] if page is VOICE else []))
        target = Target(
            draft, document, page, base, context, policy, now, listing, number, is_new=is_new
        )
        context.people = _others(target)
    target.form = form_of(target.page, target.base, document, context)
    if target.page is VOICE:
        target.form |= voice_answers.spoken_of(get(document, target.base))
    return target


def _others(target: Target) -> dict[str, str]:
    """Return whom an item may name: everybody but itself."""
    own = get(target.document, (*target.base, "id"))
    names = dict(target.context.people)
    if target.listing is not None and target.listing.key == "children":
        names.pop(str(own), None)
    return names


def _number(text: str, listing: Listing, document: Mapping[str, Any], id_: str) -> tuple[int, bool]:
    """Return the place of an item, and whether it is a new one. Raises NotFound and Conflict.

    ``id_`` is that of the item when its page was opened: items before it may have been removed, and
    what was entered about one child must not be saved for another.
    """
    items = draft_names.items(document, listing.path)
    if text == NEW:
        if len(items) >= listing.limit:
            raise Conflict(f"You can add {listing.limit} here. Write more in the summary.")
        return len(items), True
    if id_:
        text = next((str(at) for at, item in enumerate(items) if get(item, ("id",)) == id_), "")
    return number_in(text, items), False


def _page(listing: Listing, key: str) -> Page:
    if not key:
        return listing.pages[0]
    for page in listing.pages:
        if page.key == key:
            return page
    raise NotFound("Check the web address.")


def _save(visit: Visit, form: Form) -> Target:
    """Save what a form holds, unless something is wrong; return the page with what is."""
    target = _target(visit, form)
    answered = _answered(target, form, is_later="later" in form or "find" in form)
    target.form |= form
    target.faults = answered.faults
    if target.faults or answered.document == target.document:
        return target
    revision = revision_in(form)
    try:
        saved = draft_acts.save(
            visit.context, visit.person, target.draft, answered.document, revision=revision
        )
    except Invalid as error:
        target.faults = {target.page.questions[0].name: error.message}
        return target
    if saved is None:
        target.faults = {target.page.questions[0].name: _overtaken(target)}
    target.document = answered.document
    return target


def _overtaken(target: Target) -> str:
    """Return that a colleague saved the draft after the page was opened."""
    at = moment(target.draft.saved_at, target.now)
    return (
        f"{target.draft.saver} saved this draft {at}, after you opened this page. Check what you "
        "entered, and save again."
    )


def _answered(target: Target, form: Form, *, is_later: bool) -> Answered:
    """Return the document with what a form holds, and what is wrong."""
    document, today = deepcopy(target.document), local_day(target.now)
    if target.page is VOICE:
        return voice_answers.answer(
            document, target.base, form, target.context, today=today, is_later=is_later
        )
    listing = target.listing
    if target.is_new and listing and listing.prefix:
        put(document, (*target.base, "id"), _new_id(document, listing))
    answered = answer(
        target.page, target.base, document, form, target.context, today=today, is_later=is_later
    )
    if target.page.key == _HANDLING:  # that nothing is to be kept from anybody is an answer
        answered.document.setdefault(_HANDLING, {})
    if target.is_new and answered.document == document:
        if is_later and listing and listing.prefix:
            remove(answered.document, target.base)
        elif not answered.faults and not is_later:
            message = "Enter something, or go back to the list."
            answered.faults[target.page.questions[0].name] = message
    return answered


def _new_id(document: Mapping[str, Any], listing: Listing) -> str:
    """Return a local id that nothing in the document has."""
    known = {
        item.get("id")
        for other in LISTINGS.values()
        for item in draft_names.items(document, other.path)
        if isinstance(item, dict)
    }
    numbers = range(1, len(known) + 2)
    return next(id_ for number in numbers if (id_ := f"{listing.prefix}-{number}") not in known)


def _next(target: Target, form: Form) -> str:
    """Return the address to which a saved page leads, below that of the draft."""
    if "later" in form:
        return "?done=saved"
    if target.listing is None:
        return target.back
    if "find" in form:
        return f"{target.listing.key}/{target.number}/{target.page.key}"
    pages = target.listing.pages
    after = pages[pages.index(target.page) + 1 :]
    number = target.number
    return f"{target.listing.key}/{number}/{after[0].key}" if after else target.listing.key


def located_at(target: Target) -> tuple[str, bool]:
    """Return where a postcode is and who answers for children there, and whether it is known."""
    text = " ".join(target.form.get(_POSTCODE, "").upper().split())
    if not text:
        return "", False
    located = target.policy.gazetteer.postcode(text)
    if located.place is None:
        if located.match is Match.SEVERAL:
            return f"{text} is in more than one council. Enter the council below.", False
        return f"We do not know {text}. Check it, or enter the town or council below.", False
    sentence = f"{text} is in {located.place.name}."
    is_child = target.listing is not None and target.listing.key == "children"
    office = target.policy.directory.serving(
        SOCIAL_CARE, located.place.area or "", local_day(target.now)
    )
    if not is_child:
        return sentence, True
    if office is None:
        return f"{sentence} No children’s social care there is listed here.", False
    return f"{sentence} {office.name} will get it.", True
