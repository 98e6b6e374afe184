"""Remove an item of a list from a draft, unless something else in it is about that person."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from starlette.responses import RedirectResponse, Response

from broker.errors import Conflict
from broker.inbox.access import Visit
from broker.ledger.drafts import Draft
from broker.policy.time.moments import local_day
from broker.referral_form import draft_acts, draft_names
from broker.referral_form.access import id_in_path, revision_in
from broker.referral_form.draft_pages import Form, listing_in_path, number_in
from broker.referral_form.json_paths import get, remove
from broker.referral_form.questions import Path
from broker.referral_form.rendering import ROOT, page
from broker.referral_form.sections import LISTINGS, Listing

_NARROWS = ("about", "belongs_to")
"""Fields that say whom a text is about: without the name, more people would be shown it."""
_LINKS = ("lives_with", "children")


async def ask_remove(visit: Visit) -> Response:
    """Ask whether to remove an item."""
    values = await visit.inboxes.run(_item, visit)
    return page("remove", visit=visit, **values)


def _item(visit: Visit) -> dict[str, Any]:
    draft, document, listing, path = _item_in_path(visit)
    line = draft_names.headline(get(document, path), listing.key, local_day(visit.context.clock()))
    return {"draft": draft, "listing": listing, "line": line}


def _item_in_path(visit: Visit) -> tuple[Draft, dict[str, Any], Listing, Path]:
    draft = draft_acts.open_draft(visit.context, visit.person, id_in_path(visit))
    document, listing = draft_acts.document_of(draft), listing_in_path(visit)
    items = draft_names.items(document, listing.path)
    number = number_in(visit.request.path_params["item"], items)
    return draft, document, listing, (*listing.path, number)


async def remove_item(visit: Visit, form: Form) -> Response:
    """Remove an item from the draft."""
    address = await visit.inboxes.run(_removed, visit, form)
    return RedirectResponse(f"{ROOT}/drafts/{address}?done=removed", 303)


def _removed(visit: Visit, form: Form) -> str:
    draft, document, listing, path = _item_in_path(visit)
    after, id_ = deepcopy(document), get(document, (*path, "id"))
    if isinstance(id_, str):
        if places := list(_named_in(after, id_)):
            raise Conflict(
                f"This person is named in: {', '.join(places)}. Change what is said there first."
            )
        _unlink(after, id_)
    remove(after, path)
    saved = draft_acts.save(visit.context, visit.person, draft, after, revision=revision_in(form))
    if saved is None:
        raise Conflict(draft_acts.CHANGED)
    return f"{draft.id}/{listing.key}"


def _named_in(document: dict[str, Any], id_: str) -> Iterator[str]:
    """Yield the titles of what is said about a person alone or among others."""
    concern = get(document, ("concern", "about"))
    if isinstance(concern, list) and id_ in concern:
        yield "What happened"
    for listing in LISTINGS.values():
        for item in draft_names.items(document, listing.path):
            named = [get(item, (name,)) for name in _NARROWS]
            if any(id_ == names or (isinstance(names, list) and id_ in names) for names in named):
                yield listing.title
                break


def _unlink(document: dict[str, Any], id_: str) -> None:
    """Remove a person from lists of who lives with, or is related to, whom."""
    for listing in LISTINGS.values():
        for number, item in enumerate(draft_names.items(document, listing.path)):
            for name in _LINKS:
                ids = get(item, (name,))
                if isinstance(ids, list) and id_ in ids:
                    ids.remove(id_)
                    _drop_empty(document, (*listing.path, number, name))
            contacts = get(item, ("contact",))
            if isinstance(contacts, list):
                contacts[:] = [contact for contact in contacts if get(contact, ("child",)) != id_]
                _drop_empty(document, (*listing.path, number, "contact"))


def _drop_empty(document: dict[str, Any], path: Path) -> None:
    if not get(document, path):
        remove(document, path)
