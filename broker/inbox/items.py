"""The inbox as a list: what an organisation has to do, most urgent first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from starlette.responses import Response

from broker.errors import Unavailable
from broker.flow.render import render
from broker.inbox import wording
from broker.inbox.access import Visit
from broker.inbox.headline import headline
from broker.inbox.rendering import page
from broker.ledger.inbox import InboxItem
from broker.telemetry import error_fields, logger
from broker.web.moments import day_of

LISTED = 200
"""Lines on one page; the most urgent ones are there."""
TABS: Mapping[str, str] = {"todo": "To do", "mine": "Mine", "unread": "Unread", "done": "Done"}
LATE = "Late"
UNREADABLE = "This referral cannot be shown in short. Open it."
CONFIRMATIONS = {
    "taken-on": "You have taken it on. The police can see that you have it.",
    "decided": "Your decision is sent to the police.",
    "returned": "You have returned it. It is no longer in your inbox.",
    "destroyed": "You have confirmed that it is destroyed.",
    "given": "Your colleague deals with it from now on.",
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


async def show(visit: Visit) -> Response:
    """Show what there is to do, or one of the other lists."""
    tab = visit.request.query_params.get("show", "todo")
    tab = tab if tab in TABS else "todo"
    groups, items = await visit.inboxes.run(_lists, visit, tab)
    return page(
        "list",
        visit=visit,
        tab=tab,
        tabs=TABS,
        counts=_counts(visit, items),
        groups=groups,
        sentence=wording.sentence(items, visit.context.clock()),
        is_late=any(wording.is_late(item, visit.context.clock()) for item in items),
        is_cut=len(items) >= LISTED,
        limit=LISTED,
        publishers=_names(visit, groups),
        confirmation=CONFIRMATIONS.get(visit.request.query_params.get("done", "")),
    )


def _lists(visit: Visit, tab: str) -> tuple[list[Group], list[InboxItem]]:
    """Return the groups of one list, and everything that is to be done."""
    inbox, now = visit.context.ledger.inbox, visit.context.clock()
    items = inbox.items(visit.agency, limit=LISTED)
    if tab == "done":
        shown = inbox.done(visit.agency, limit=LISTED)
        return [Group("Done", is_late=False, lines=_lines(visit, shown))] if shown else [], items
    shown = [item for item in items if _TESTS[tab](visit, item)]
    lines = _lines(visit, shown)
    groups = groupby(lines, key=lambda line: _group(line.item, now))
    return [Group(title, title == LATE, list(group)) for title, group in groups], items


_TESTS: Mapping[str, Callable[[Visit, InboxItem], bool]] = {
    "todo": lambda _, __: True,
    "mine": lambda visit, item: item.handler is not None and item.handler.is_for(visit.person.id),
    "unread": lambda _, item: not item.is_read,
}


def _counts(visit: Visit, items: list[InboxItem]) -> Mapping[str, int]:
    return {tab: sum(test(visit, item) for item in items) for tab, test in _TESTS.items()}


def _names(visit: Visit, groups: list[Group]) -> dict[str, str]:
    """Return the names of the forces in a list, by code."""
    directory = visit.context.policies.latest().directory
    codes = {line.item.publisher for group in groups for line in group.lines}
    return {
        code: organisation.name
        for code in codes
        if (organisation := directory.organisation(code)) is not None
    }


def _group(item: InboxItem, now: datetime) -> str:
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
