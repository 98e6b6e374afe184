"""Which pages are sent compressed."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_ELSEWHERE = frozenset({"cross-site", "same-site"})
"""What a browser says of a request that another site caused (Fetch Metadata, Sec-Fetch-Site)."""


class Compression:
    """Compresses pages, but for those that another site had opened.

    Such a page may hold what that site chose, beside the token of the person's session. Its
    compressed length would tell how alike the two are, and so the token, piece by piece (BREACH).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._compressed = GZipMiddleware(app, minimum_size=500, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        is_ours = Headers(scope=scope).get("sec-fetch-site", "") not in _ELSEWHERE
        app = self._compressed if is_ours else self._plain
        await app(scope, receive, send)
