"""Templates: always escaped, and pages that load nothing from other addresses."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, PrefixLoader
from starlette.responses import HTMLResponse

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def environment(prefix: str, package: str, /, **beside: str) -> Environment:
    """Return the templates of a package under a prefix, with those of the GOV.UK components.

    ``beside`` are further packages, by prefix.
    """
    templates = Environment(
        loader=PrefixLoader(
            {
                **{
                    name: PackageLoader(folder, "templates")
                    for name, folder in {**beside, prefix: package}.items()
                },
                "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
            }
        ),
        autoescape=True,
        lstrip_blocks=True,
    )
    templates.filters["capitalize"] = capitalised
    return templates


def capitalised(text: object) -> str:
    """Return a text whose first letter is a capital; the others stay: ``Wednesday 7 April``.

    Jinja's own filter makes small letters of the others.
    """
    written = str(text)
    return f"{written[:1].upper()}{written[1:]}"


def html(text: str, status: int = 200) -> HTMLResponse:
    """Return a page with the policy of what it may load."""
    return HTMLResponse(text, status, {"Content-Security-Policy": CONTENT_SECURITY_POLICY})
