"""Pages of questions: shown with what is written, saved, or shown again with what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import count
from types import MappingProxyType
from typing import Any

import orjson
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
from broker.referral_form.json_paths import get, put, remove
from broker.referral_form.page_answers import Answered, answer, around, form_of
from broker.referral_form.questions import Path
from broker.referral_form.rendering import ROOT
from broker.referral_form.rendering import page as render
from broker.referral_form.sections import (
    LISTINGS,
    PAGES,
    SECTION_OF,
    SECTIONS,
    Listing,
    Page,
)

NEW = "new"
LOST = (
    "Somebody has changed or removed this after you opened the page. Look at the list first: if "
    "you save, what you entered here is added as a new entry."
)
_LONGEST_NUMBER = 9
"""Digits of the number of a local id that the form counts on from."""
_POSTCODE = "address-postcode"
_HANDLING = "handling"


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """Where the item of a page stands in its list."""

    number: int
    is_new: bool = False
    is_lost: bool = False
    """Whether the page was opened about an item that somebody has changed or removed since."""


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
    place: ItemPlace | None = None
    """Where the item stands; None for a page about the document."""
    form: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """Whether it is about an item that is not in the document yet."""
        return self.place is not None and self.place.is_new

    @property
    def name(self) -> str:
        """Whom or what the page is about, where that has a line of its own."""
        if self.listing is None or self.place is None:
            return ""
        if self.is_new:
            return f"New: {self.listing.noun}"
        item = get(self.document, (*self.listing.path, self.place.number))
        return draft_names.headline(item, self.listing.key, local_day(self.now))

    @property
    def item(self) -> str:
        """What tells the item that the page is about from the others; empty where it is new."""
        if self.listing is None or self.place is None or self.is_new:
            return ""
        return item_key(get(self.document, (*self.listing.path, self.place.number)))

    @property
    def address(self) -> str:
        """Where the page is saved, below the address of the draft."""
        if self.listing is None or self.place is None:
            return self.page.key
        if self.is_new:
            return f"{self.listing.key}/{NEW}"
        return f"{self.listing.key}/{self.place.number}/{self.page.key}"

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
    if target.place and target.place.is_lost:
        message = LOST
    elif revision_in(form) != target.draft.revision:
        message = _overtaken(target)
    target.faults = {target.page.questions[0].name: message}
    return _shown(visit, target, 422)


def _shown(visit: Visit, target: Target, status: int = 200) -> Response:
    template = "voice" if target.page.is_voice else "questions"
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
        place = _number(params["item"], listing, document, form.get("item", ""))
        page = _page(listing, params.get("page", ""))
        base: Path = (*listing.path, place.number, *(["voice"] if page.is_voice else []))
        target = Target(draft, document, page, base, context, policy, now, listing, place)
        context.people = _others(target)
    target.form = form_of(target.page, target.base, document, context)
    if target.page.is_voice:
        target.form |= voice_answers.spoken_of(get(document, target.base))
    return target


def _others(target: Target) -> dict[str, str]:
    """Return whom an item may name: everybody but itself."""
    own = get(target.document, (*target.base, "id"))
    names = dict(target.context.people)
    if target.listing is not None and target.listing.key == "children":
        names.pop(str(own), None)
    return names


def _number(text: str, listing: Listing, document: Mapping[str, Any], key: str) -> ItemPlace:
    """Return the place of an item. Raises NotFound and Conflict.

    ``key`` is that of the item when its page was opened: items before it may have been removed, and
    what was entered about one must not be saved for another.
    """
    items = draft_names.items(document, listing.path)
    if text == NEW:
        return _new_place(listing, items)
    if not key:
        return ItemPlace(number_in(text, items))
    same = [at for at, item in enumerate(items) if item_key(item) == key]
    if same:
        return ItemPlace(int(text) if text in map(str, same) else same[0])
    if listing.prefix:
        raise NotFound("This is not in the draft any more.")
    return replace(_new_place(listing, items), is_lost=True)


def _new_place(listing: Listing, items: Sequence[Any]) -> ItemPlace:
    if len(items) >= listing.limit:
        raise Conflict(f"You can add {listing.limit} here. Write more in the summary.")
    return ItemPlace(len(items), is_new=True)


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
    if target.place and target.place.is_lost:
        target.form |= form
        target.faults = {target.page.questions[0].name: LOST}
        return target
    answered = _answered(target, form, is_later="later" in form or "find" in form)
    target.form |= form
    target.faults = answered.faults
    if target.faults or answered.document == target.document:
        return target
    revision = revision_in(form)
    try:
        saved = draft_acts.save(
            visit.context,
            visit.person,
            target.draft,
            answered.document,
            revision=revision,
            number=_last_number(target.draft, answered.document),
        )
    except Invalid as error:
        target.faults = {target.page.questions[0].name: error.message}
        return target
    if saved is None:
        target.faults = {target.page.questions[0].name: _overtaken(target)}
    else:
        target.document = answered.document
    return target


def _overtaken(target: Target) -> str:
    """Return that a colleague saved the draft after the page was opened."""
    if target.draft.is_being_sent(target.now):
        return draft_acts.BEING_SENT
    at = moment(target.draft.saved_at, target.now)
    return (
        f"{target.draft.saver} saved this draft {at}, after you opened this page. Check what you "
        "entered, and save again."
    )


def _answered(target: Target, form: Form, *, is_later: bool) -> Answered:
    """Return the document with what a form holds, and what is wrong."""
    page, base, document = target.page, target.base, deepcopy(target.document)
    if page.is_voice:
        return voice_answers.answer(page, base, document, form, target.context, is_later=is_later)
    listing = target.listing
    if target.is_new and listing and listing.prefix:
        put(document, (*base, "id"), _new_id(target.draft, document, listing))
    answered = answer(page, base, document, form, target.context, is_later=is_later)
    if page.key == _HANDLING:  # that nothing is to be kept from anybody is an answer
        answered.document.setdefault(_HANDLING, {})
    if target.is_new and answered.document == document:
        if is_later and listing and listing.prefix:
            remove(answered.document, base)
        elif not answered.faults and not is_later:
            message = "Enter something, or go back to the list."
            answered.faults[page.questions[0].name] = message
    return answered


def item_key(item: Any) -> str:
    """Return what tells an item of a list from the others: its local id, or all that it holds."""
    id_ = get(item, ("id",))
    if isinstance(id_, str):
        return id_
    return sha256(orjson.dumps(item, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _ids(document: Mapping[str, Any]) -> set[str]:
    items = [
        item for listing in LISTINGS.values() for item in draft_names.items(document, listing.path)
    ]
    return {id_ for item in items if isinstance(id_ := get(item, ("id",)), str)}


def _new_id(draft: Draft, document: Mapping[str, Any], listing: Listing) -> str:
    """Return a local id that nothing in the draft has or had.

    A page that was opened about somebody who was removed must not find somebody else.
    """
    known = _ids(document)
    numbers = count(draft.last_number + 1)
    return next(id_ for number in numbers if (id_ := f"{listing.prefix}-{number}") not in known)


def _last_number(draft: Draft, document: Mapping[str, Any]) -> int:
    """Return the highest number of the local ids that were ever given in a draft."""
    prefixes = {listing.prefix for listing in LISTINGS.values() if listing.prefix}
    parts = (id_.rpartition("-") for id_ in _ids(document))
    numbers = (
        int(number)
        for prefix, _, number in parts
        if prefix in prefixes and number.isdecimal() and len(number) < _LONGEST_NUMBER
    )
    return max(draft.last_number, *numbers, 0)


def _is_asked(page: Page, target: Target) -> bool:
    """Tell whether a page comes next by itself: a suspect's voice only where one is under 18."""
    if not page.is_voice or target.listing is None or target.listing.key == "children":
        return True
    person = get(target.document, target.base[: len(target.listing.path) + 1])
    return draft_names.is_under_age(person, local_day(target.now))


def _next(target: Target, form: Form) -> str:
    """Return the address to which a saved page leads, below that of the draft."""
    if "later" in form:
        return "?done=saved"
    if target.listing is None:
        return target.back
    if "find" in form:
        number = target.place.number if target.place else 0
        return f"{target.listing.key}/{number}/{target.page.key}"
    pages = target.listing.pages
    after = [page for page in pages[pages.index(target.page) + 1 :] if _is_asked(page, target)]
    if not after or target.place is None:
        return target.listing.key
    return f"{target.listing.key}/{target.place.number}/{after[0].key}"


def located_at(target: Target) -> tuple[str, bool]:
    """Return where a postcode is and who answers for children there, and whether it is known."""
    text = " ".join(target.form.get(_POSTCODE, "").upper().split())
    if not text:
        return "", False
    located = target.policy.gazetteer.postcode(text)
    if located.place is None:
        several = f"{text} is in more than one council. Enter the council below."
        unknown = f"We do not know {text}. Check it, or enter the town or council below."
        return several if located.match is Match.SEVERAL else unknown, False
    sentence = f"{text} is in {located.place.name}."
    if target.listing is None or target.listing.key != "children":
        return sentence, True
    office = target.policy.directory.serving(
        SOCIAL_CARE, located.place.area or "", local_day(target.now)
    )
    if office is None:
        return f"{sentence} No children’s social care there is listed here.", False
    return f"{sentence} {office.name} will get it.", True
