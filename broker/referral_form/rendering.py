"""Pages of the form from their templates."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment
from starlette.responses import HTMLResponse

from broker.flow.inbox_notices import INBOX
from broker.inbox import wording as inbox_wording
from broker.inbox.access import Visit
from broker.inbox.rendering import rendered
from broker.policy.time import moments
from broker.referral_form import question_wording
from broker.referral_form.questions import Kind
from broker.web.templates import environment as templates_of

ROOT = f"{INBOX}/referrals"


@cache
def environment() -> Environment:
    """Return the templates; the frame of every page is that of the inbox."""
    templates = templates_of("form", "broker.referral_form", inbox="broker.inbox")
    templates.globals.update(
        moments=moments,
        inbox_wording=inbox_wording,
        wording=question_wording,
        Kind=Kind,
        root=ROOT,
    )
    return templates


def page(name: str, status: int = 200, /, *, visit: Visit | None, **values: Any) -> HTMLResponse:
    """Return a page. Browsers keep no copy of it."""
    return rendered(environment(), f"form/{name}.html", status, visit=visit, **values)
