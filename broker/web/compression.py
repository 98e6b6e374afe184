"""Which pages are sent compressed."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_OURS = frozenset({"same-origin", "none"})
"""What a browser says of a request that a page of ours or the person caused (Sec-Fetch-Site)."""


class Compression:
    """Compresses pages that no other site had opened, as far as the browser says so.

    A page that another site had opened may hold what that site chose, beside the token of the
    person's session. Its compressed length would tell how alike the two are, and so the token,
    piece by piece (BREACH). A browser that does not say who opened it gets it as it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressed = GZipMiddleware(app, minimum_size=500, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        is_ours = Headers(scope=scope).get("sec-fetch-site") in _OURS
        app = self._compressed if is_ours else self._plain
        await app(scope, receive, send)
