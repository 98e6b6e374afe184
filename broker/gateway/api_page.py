"""The description of the API as a page: Redoc from our own address, which fetches nothing else.

Without a script the page lists the calls.
"""

from __future__ import annotations

import gzip
import html
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_STATIC = Path(__file__).with_name("static")
_TYPES = {"redoc.js": "text/javascript", "redoc.css": "text/css"}
_VERSION = "3.0.1"
"""In the addresses of the files, so that browsers may keep them."""
_KEPT = "public, max-age=31536000, immutable"
_EMPTY_STYLE = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
"""The digest of nothing: Redoc makes empty style elements and fills them by CSSOM."""
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; script-src 'self'; style-src-elem 'self' '{_EMPTY_STYLE}'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Redoc colours examples by style attributes. All that it shows is our own description of the API:
nothing that anybody sent is on this page."""


async def page(request: Request) -> Response:
    """Return the page."""
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return HTMLResponse(_page(request.app.state.openapi), headers=headers)


async def asset(request: Request) -> Response:
    """Return the page's script or style sheet, compressed where the browser accepts that.

    Raises HTTPException with 404 for any other name.
    """
    name = request.path_params["name"]
    if name not in _TYPES:
        raise HTTPException(404)
    compressed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Cache-Control": _KEPT, "Vary": "Accept-Encoding"}
    if compressed:
        headers["Content-Encoding"] = "gzip"
    body = _compressed(name) if compressed else _read(name)
    return Response(body, media_type=_TYPES[name], headers=headers)


FILES = Route(f"/docs/{_VERSION}/{{name}}", asset)
"""Beside the calls: what the page is made of is no part of the API."""


def _page(described: Mapping[str, Any]) -> str:
    title = html.escape(described["info"]["title"])
    calls = "".join(
        f"<li><code>{method.upper()} {html.escape(path)}</code> {html.escape(call['summary'])}</li>"
        for path, methods in described["paths"].items()
        for method, call in methods.items()
    )
    return (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}: the API</title><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="/docs/{_VERSION}/redoc.css">'
        f'<script type="module" src="/docs/{_VERSION}/redoc.js"></script></head><body>'
        '<redoc spec-url="/openapi.json" disable-telemetry="true"></redoc>'
        f"<noscript><h1>{title}</h1><p>For machines: "
        f'<a href="/openapi.json">openapi.json</a>.</p><ul>{calls}</ul></noscript></body></html>'
    )


@cache
def _read(name: str) -> bytes:
    return (_STATIC / name).read_bytes()


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_read(name), mtime=0)
