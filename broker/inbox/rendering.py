"""Pages of the inbox from their templates."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment
from starlette.responses import HTMLResponse

from broker.domain.codes import MemberRight
from broker.inbox import wording
from broker.inbox.access import Visit
from broker.policy.time import moments
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
    return rendered(environment(), f"inbox/{name}.html", status, visit=visit, **values)


def rendered(
    templates: Environment, file: str, status: int, /, *, visit: Visit | None, **values: Any
) -> HTMLResponse:
    """Return a page of one of these templates; ``now`` is the present instant unless given."""
    if visit is not None:
        values.setdefault("now", visit.context.clock())
    return html(templates.get_template(file).render(visit=visit, **values), status)
