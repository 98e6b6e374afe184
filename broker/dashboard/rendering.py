"""Pages from templates: escaped always, with nothing from anywhere else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, PrefixLoader
from starlette.responses import HTMLResponse

from broker.dashboard import wording
from broker.domain.codes import Right

if TYPE_CHECKING:
    from broker.dashboard.access import Visit

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@cache
def environment() -> Environment:
    """Return the templates, those of the GOV.UK components among them."""
    made = Environment(
        loader=PrefixLoader(
            {
                "ops": PackageLoader("broker.dashboard", "templates"),
                "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
            }
        ),
        autoescape=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        words=wording,
        Right=Right,
        bands=wording.BAND_NAMES,
        grades=wording.GRADE_NAMES,
        milestones=wording.MILESTONE_NAMES,
        whys=wording.WHY_NAMES,
        causes=wording.CAUSE_NAMES,
    )
    return made


def page(name: str, status: int = 200, /, *, visit: Visit | None, **values: Any) -> HTMLResponse:
    """Return a page. Browsers keep no copy of it.

    Whoever is signed in is shown of which instant it is, and when their session is about to end:
    ``now`` is the present one unless the page's figures have another.
    """
    if visit is not None:
        values.setdefault("now", visit.desk.context.clock())
    text = environment().get_template(f"ops/{name}.html").render(visit=visit, **values)
    return HTMLResponse(text, status, {"Content-Security-Policy": CONTENT_SECURITY_POLICY})
