"""The inbox as a list: what an organisation has to do, most urgent first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from broker.domain.codes import DeliveryKind, Grade
from broker.errors import Unavailable
from broker.flow.inbox_notices import INBOX
from broker.flow.render import render
from broker.inbox import wording
from broker.inbox.access import Visit
from broker.inbox.headline import headline
from broker.inbox.rendering import page
from broker.ledger.inbox import InboxCounts, InboxItem, ItemFilter
from broker.policy.time.moments import day_of
from broker.telemetry import error_fields, logger

LISTED = 50
"""Lines on one page. Each is made of the agency's own view, which is rendered for it."""
MOST_PAGES = 1000
LONGEST_TEXT = 100
"""Characters of what is looked for."""
TABS: Mapping[str, str] = {"todo": "To do", "mine": "Mine", "unread": "Unread", "done": "Done"}
LATE = "Late"
UNREADABLE = "This referral cannot be shown in short. Open it."
CONFIRMATIONS = {
    "taken-on": "You have taken it on. The police can see that you have it.",
    "decided": "Your decision is sent to the police.",
    "returned": "You have returned it. It is no longer in your inbox.",
    "destroyed": "You have confirmed that it is destroyed.",
    "given": "Your colleague deals with it from now on.",
    "asked": "Your question is sent. The answer comes here.",
    "dealt-with": "You are dealing with this. People in your organisation are not alerted for now.",
}
_log = logger("inbox")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list: the item, and what it is about without any name."""

    item: InboxItem
    headline: str


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that are due on the same day."""

    title: str
    is_late: bool
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Which list is wanted, and which part of it."""

    tab: str
    text: str
    """What to look for, in whatever is to do or was looked at; empty to show the list."""
    kind: DeliveryKind | None
    grade: Grade | None
    page: int

    @property
    def is_filtered(self) -> bool:
        """Tell whether lines are left out."""
        return bool(self.text or self.kind or self.grade)

    def address(self, **changed: object) -> str:
        """Return the address of this list with some things changed, on its first page.

        What was looked for is no part of it: people type names, and addresses are kept by
        browsers, proxies and links to sign in.
        """
        parts = {"show": self.tab, "kind": self.kind, "grade": self.grade}
        defaults = {"show": "todo", "page": 1}
        wanted = {
            name: value
            for name, value in {**parts, **changed}.items()
            if value and value != defaults.get(name)
        }
        return f"{INBOX}/?{urlencode(wanted)}" if wanted else f"{INBOX}/"


def list_request(params: Mapping[str, str], text: str = "") -> ListRequest:
    """Return which list an address or a form names; what it does not know is left out."""
    tab, page = params.get("show", "todo"), params.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1
    kind, grade = params.get("kind"), params.get("grade")
    return ListRequest(
        tab=tab if tab in TABS else "todo",
        text=text.strip()[:LONGEST_TEXT],
        kind=DeliveryKind(kind) if kind in set(DeliveryKind) else None,
        grade=Grade(grade) if grade in set(Grade) else None,
        page=min(max(number, 1), MOST_PAGES),
    )


async def show(visit: Visit) -> Response:
    """Show what there is to do, or one of the other lists."""
    return await _list_page(visit, list_request(visit.request.query_params))


async def find(visit: Visit, form: Mapping[str, str]) -> Response:
    """Show what has a text in its reference; without a text, the list that was chosen."""
    wanted = list_request(form, form.get("find", ""))
    if not wanted.text:
        return RedirectResponse(wanted.address(), 303)
    return await _list_page(visit, wanted)


async def _list_page(visit: Visit, wanted: ListRequest) -> Response:
    items, lines, counts = await visit.inboxes.run(_listed, visit, wanted)
    now = visit.context.clock()
    return page(
        "list",
        visit=visit,
        wanted=wanted,
        tabs=TABS,
        counts={"todo": counts.todo, "mine": counts.mine, "unread": counts.unread},
        groups=_groups(lines, now),
        sentence=wording.sentence(counts, now),
        is_late=bool(counts.late),
        is_cut=len(items) > LISTED,
        limit=LISTED,
        publishers=_names(visit, lines),
        confirmation=CONFIRMATIONS.get(visit.request.query_params.get("done", "")),
    )


def _listed(visit: Visit, wanted: ListRequest) -> tuple[list[InboxItem], list[Line], InboxCounts]:
    """Return one item more than is shown, those that are shown as lines, and the counts."""
    inbox, now = visit.context.ledger.inbox, visit.context.clock()
    counts = inbox.counts(visit.agency, visit.person.id, now=now)
    filters = ItemFilter(
        mine=visit.person.id if wanted.tab == "mine" else None,
        unread=wanted.tab == "unread",
        kind=wanted.kind,
        grade=wanted.grade,
    )
    part = {"limit": LISTED + 1, "offset": (wanted.page - 1) * LISTED}
    if wanted.text:
        items = inbox.find(visit.agency, wanted.text, filters, limit=LISTED + 1)
    elif wanted.tab == "done":
        items = inbox.done(visit.agency, filters, **part)
    else:
        items = inbox.items(visit.agency, filters, **part)
    return items, _lines(visit, items[:LISTED]), counts


def _groups(lines: list[Line], now: datetime) -> list[Group]:
    """Return lines by the day on which they are due; what is done comes last."""
    groups = groupby(lines, key=lambda line: _group(line.item, now))
    return [Group(title, title == LATE, list(group)) for title, group in groups]


def _names(visit: Visit, lines: list[Line]) -> dict[str, str]:
    """Return the names of the forces in a list, by code."""
    directory = visit.context.policies.latest().directory
    codes = {line.item.publisher for line in lines}
    return {
        code: organisation.name
        for code in codes
        if (organisation := directory.organisation(code)) is not None
    }


def _group(item: InboxItem, now: datetime) -> str:
    if not item.is_to_do:
        return "Done"
    if item.due_at is None:
        return "No deadline"
    return LATE if wording.is_late(item, now) else f"Due {day_of(item.due_at, now)}"


def _lines(visit: Visit, items: list[InboxItem]) -> list[Line]:
    """Pair each item with what it is about; one that cannot be rendered hides no other."""
    offers = visit.context.ledger.inbox.offers(visit.agency, [item.id for item in items])
    lines = []
    for item in items:
        try:
            text = headline(render(offers[item.id], visit.context.policies))
        except Unavailable:
            raise
        except Exception as error:
            _log.error("rendering failed", delivery=str(item.id), **error_fields(error))
            text = UNREADABLE
        lines.append(Line(item, text))
    return lines
