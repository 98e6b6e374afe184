"""Pages of the inbox from their templates."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment
from starlette.responses import HTMLResponse

from broker.domain.codes import MemberRight
from broker.inbox import wording
from broker.inbox.access import Visit
from broker.web import moments
from broker.web.templates import environment as templates_of
from broker.web.templates import html


@cache
def environment() -> Environment:
    """Return the templates."""
    templates = templates_of("inbox", "broker.inbox")
    templates.globals.update(wording=wording, moments=moments, MemberRight=MemberRight)
    return templates


def page(name: str, status: int = 200, /, *, visit: Visit | None, **values: Any) -> HTMLResponse:
    """Return a page. Browsers keep no copy of it."""
    if visit is not None:
        values.setdefault("now", visit.context.clock())
    return html(
        environment().get_template(f"inbox/{name}.html").render(visit=visit, **values), status
    )
