"""Pages for ops from their templates."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment
from starlette.responses import HTMLResponse

from broker.dashboard import wording
from broker.dashboard.access import Visit
from broker.domain.codes import Right
from broker.policy.time.moments import length, moment
from broker.web.templates import environment as templates_of
from broker.web.templates import html

DEEPEST = 100_000
"""The last row of a list to which anybody turns pages."""


@cache
def environment() -> Environment:
    """Return the templates, with those of the GOV.UK components."""
    templates = templates_of("ops", "broker.dashboard")
    templates.globals.update(
        wording=wording,
        Right=Right,
        band_names=wording.BAND_NAMES,
        grades=wording.GRADE_NAMES,
        milestones=wording.MILESTONE_NAMES,
        missed=wording.MISSED_NAMES,
        whys=wording.WHY_NAMES,
        causes=wording.CAUSE_NAMES,
        moment=moment,
        length=length,
    )
    return templates


def page(name: str, status: int = 200, /, *, visit: Visit | None, **values: Any) -> HTMLResponse:
    """Return a page. Browsers keep no copy of it.

    A person who is signed in sees the instant of the figures, when their session ends and, in the
    title, the icon and a line at the top, whether the broker works. ``now`` is the present instant
    unless the page's figures have another one.
    """
    if visit is not None:
        values.setdefault("now", visit.desk.context.clock())
        values.setdefault("health", visit.desk.health.latest())
        values.setdefault("names", visit.frame.names)
    text = environment().get_template(f"ops/{name}.html").render(visit=visit, **values)
    return html(text, status)


def page_number(visit: Visit, a_page: int) -> int:
    """Return which page of a list the address asks for, from 1; ``a_page`` is the rows of each."""
    text = visit.request.query_params.get("page", "")
    is_number = text.isascii() and text.isdecimal() and len(text) < 6
    return min(max(1, int(text)), DEEPEST // a_page) if is_number else 1
