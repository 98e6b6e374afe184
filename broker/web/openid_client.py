"""authlib's client of an OpenID provider, with limits of time and size for its conversations.

Import it where a provider is set alone: what it needs takes a twentieth of a gateway's start.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from broker.domain.ids import Clock
from broker.settings import OpenIdProvider

SECONDS = 10.0
"""The longest that one request to the provider may take in all."""
LARGEST_BODY = 256 * 1024
"""In bytes, of any of the provider's answers."""
AWAY = (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError)
"""What they raise while the provider does not answer."""
WRONG = (
    *(AuthlibBaseError, JoseError),
    *(ValueError, TypeError, LookupError, AttributeError, RuntimeError),
)
"""What authlib and ``openid_provider`` raise for wrong answers."""
# At debug level it would log secrets of the browser and the provider.
logging.getLogger("authlib").setLevel(logging.WARNING)


def client(settings: OpenIdProvider, *, scope: str) -> Any:
    """Return authlib's client of this provider; nothing is asked yet."""
    issuer = settings.issuer.rstrip("/")
    return OAuth().register(
        "provider",
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": scope,
            "code_challenge_method": "S256",
            "transport": Bounded(),
            "timeout": SECONDS / 2,
            "trust_env": False,
            "follow_redirects": False,
        },
    )


def timed(clock: Clock) -> type[CodeIDToken]:
    """Return the checks of an id token, by the broker's clock."""

    class Timed(CodeIDToken):  # type: ignore[misc]
        def validate(self, now: float | None = None, leeway: int = 0) -> None:
            super().validate(now or int(clock().timestamp()), leeway)

    return Timed


class Bounded(httpx2.AsyncBaseTransport):
    """A transport with limits: one connection for each request, a time limit and a size limit.

    It takes no proxy and no credential from the environment, and follows no redirect. It trusts the
    system's certificate authorities, or those in the file that SSL_CERT_FILE names.
    """

    def __init__(self) -> None:
        self._trust = ssl.create_default_context()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and read the whole answer."""
        request.headers["Accept-Encoding"] = "identity"
        async with (
            asyncio.timeout(SECONDS),
            httpx2.AsyncHTTPTransport(verify=self._trust, trust_env=False) as opened,
        ):
            response = await opened.handle_async_request(request)
            try:
                body = await _body(response)
            finally:
                await response.aclose()
        headers = {"Content-Type": response.headers.get("content-type", "")}
        return httpx2.Response(response.status_code, headers=headers, content=body)


async def _body(response: httpx2.Response) -> bytes:
    body = bytearray()
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    async for part in response.stream:
        body += part
        if len(body) > LARGEST_BODY:
            raise httpx2.ReadError("the answer is too long")
    return bytes(body)
