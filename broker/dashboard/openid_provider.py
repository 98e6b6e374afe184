"""An OpenID provider at which people sign in: authorization code, PKCE, state and nonce.

authlib keeps to the protocol; here stands what it is held to: which provider, which signatures,
how long, how much, and that nothing of what went wrong is shown or logged but its class.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response

from broker.admin.sign_in import ProviderIdentity
from broker.dashboard.paths import ROOT
from broker.domain.ids import Clock
from broker.errors import BrokerError, Denied, Unavailable
from broker.settings import OpenIdProvider, is_safe_url
from broker.telemetry import error_fields, logger

ANSWER = f"{ROOT}/sign-in/answer"
"""Where the provider sends people back to; it must be registered there."""
SIGNED_OUT = f"{ROOT}/signed-out"
"""Where the provider sends people back to who have signed out there, too."""
SECONDS = 10.0
"""The longest that one request to the provider may take, whatever it does."""
LARGEST_BODY = 256 * 1024
"""In bytes, of any of the provider's answers."""
AT_ONCE = 4
"""Conversations with the provider in one process; more are asked to come back."""
SIGN_IN_SECONDS = 600
"""How long somebody may take to sign in there."""
KEPT_SECONDS = 3600.0
"""How long what the provider says about itself, and its keys, are believed."""
LEEWAY_SECONDS = 60
"""How far the provider's clock may differ."""
LONGEST_SUBJECT = 255
LONGEST_NAME = 88
"""In characters, so that a mark for a second one of the same name has room in 100."""
MOST_GROUPS = 1000
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    | {"ES256", "ES384", "ES512", "Ed25519", "EdDSA"}
)
"""Signatures by a key that only the provider has: neither ``none`` nor a shared secret."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
_READ = (
    *("issuer", "id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported"),
    *_ENDPOINTS,
)
"""What is read of the provider's description; authlib would take settings from the rest."""
_WRONG = (
    *(AuthlibBaseError, JoseError),
    *(ValueError, TypeError, LookupError, AttributeError, RuntimeError),
)
"""What authlib and we raise for answers that are not what they should be."""
_NOT_BEGUN = (
    "It was not begun in this browser, or more than ten minutes ago, or it was used before. "
    "Begin again."
)
_log = logger("sign-in")
# At the level of debugging it would log what only the browser and the provider may know.
logging.getLogger("authlib").setLevel(logging.WARNING)


class ProviderAway(Unavailable):
    """The provider does not answer, or says that it cannot."""

    code = "provider-away"


class ProviderWrong(BrokerError):
    """The provider says something that cannot be believed."""

    code = "provider-wrong"


class NotBegun(Denied):
    """An answer of the provider to nothing that this browser asked."""

    code = "sign-in-not-begun"


class Provider:
    """The provider in the settings. Used from the event loop alone."""

    def __init__(self, settings: OpenIdProvider, *, public_url: str, clock: Clock) -> None:
        self._settings = settings
        self._public_url = public_url
        self._clock = clock
        self._busy = asyncio.Semaphore(AT_ONCE)
        self._app: Any = None
        self._believed_until = 0.0

    @property
    def rights_of(self) -> Mapping[str, Any]:
        """The rights of each group."""
        return self._settings.rights

    def middleware(self) -> Middleware:
        """Return what keeps state, nonce and verifier in the browser, signed, until the answer."""
        secure = urlsplit(self._public_url).scheme == "https"
        key = hmac.new(self._settings.client_secret.encode(), b"sign-in cookie", hashlib.sha256)
        return Middleware(
            SessionMiddleware,
            secret_key=key.hexdigest(),
            session_cookie="__Host-broker-sign-in" if secure else "broker-sign-in",
            max_age=SIGN_IN_SECONDS,
            https_only=secure,
        )

    async def ask(self, request: Request, *, after: str) -> Response:
        """Lead to the provider; ``after`` is where to go when it has let somebody in."""
        async with self._talking():
            app = await self._ready()
            request.session.clear()
            response: Response = await app.authorize_redirect(request, self._public_url + ANSWER)
            request.session["after"] = after
            return response

    async def answered(self, request: Request) -> tuple[ProviderIdentity, str]:
        """Return for whom the provider vouches, and where they wanted to go.

        What the browser kept is used up with it. Raises NotBegun, ProviderAway, ProviderWrong, or
        Denied when the provider did not let them in.
        """
        after, state = request.session.get("after", ""), request.query_params.get("state", "")
        if not request.session:
            raise NotBegun(_NOT_BEGUN)
        try:
            async with self._talking():
                app = await self._ready()
                if not await app.framework.get_state_data(request.session, state):
                    raise NotBegun(_NOT_BEGUN)
                self._check_answer(request)
                token = await app.authorize_access_token(
                    request,
                    claims_options=self._claims(),
                    claims_cls=_timed(self._clock),
                    leeway=LEEWAY_SECONDS,
                )
                return self._vouched(token["userinfo"]), str(after)
        finally:
            request.session.clear()

    async def way_out(self) -> str | None:
        """Return where to sign out at the provider, too, if it has such a page."""
        async with self._talking():
            app = await self._ready()
            if "end_session_endpoint" not in app.server_metadata:
                return None
            # Without the id token, which names a person and would stand in the address.
            found = await app.create_logout_url(
                post_logout_redirect_uri=self._public_url + SIGNED_OUT,
                client_id=self._settings.client_id,
            )
            return str(found["url"])

    @asynccontextmanager
    async def _talking(self) -> AsyncIterator[None]:
        """Bound what is going on with the provider, and say in our words what went wrong."""
        if self._busy.locked():
            raise ProviderAway("Too many people sign in at this moment. Try again in a minute.")
        async with self._busy:
            try:
                yield
            except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
                _log.warning("provider away", **error_fields(error))
                raise ProviderAway(
                    "Your sign-in provider does not answer. Try again in a minute; a one-time "
                    "link still lets you in."
                ) from None
            except _WRONG as error:
                self._app = None  # ask it again next time what it says about itself
                _log.warning("provider wrong", error=type(error).__name__)
                raise ProviderWrong(
                    "What your sign-in provider answered cannot be believed, so nobody was signed "
                    "in. Begin again; if it stays so, tell whoever runs the broker."
                ) from None

    async def _ready(self) -> Any:
        """Return the client, with what the provider says about itself: checked, and not old."""
        if self._app is None or time.monotonic() >= self._believed_until:
            app = self._client()
            told = await app.load_server_metadata()
            app.server_metadata = self._checked(told)
            app.client_kwargs["token_endpoint_auth_method"] = _how_to_prove(told)
            self._app, self._believed_until = app, time.monotonic() + KEPT_SECONDS
        return self._app

    def _client(self) -> Any:
        issuer = self._settings.issuer.rstrip("/")
        return OAuth().register(
            "provider",
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": self._settings.scope,
                "code_challenge_method": "S256",
                "transport": Bounded(),
                "timeout": SECONDS / 2,
                "trust_env": False,
                "follow_redirects": False,
            },
        )

    def _checked(self, told: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: told[name] for name in _READ if told.get(name)}
        if found.get("issuer") != self._settings.issuer:
            raise ValueError("the issuer is another one")
        if not {*_ENDPOINTS[:3]} <= found.keys():
            raise ValueError("an endpoint is missing")
        for name in _ENDPOINTS:
            plain = urlsplit(self._settings.issuer).scheme == "http"
            url = found.get(name, self._settings.issuer).replace("?", "/", 1)  # it may have a query
            if not is_safe_url(url) or (url.startswith("http:") and not plain):
                raise ValueError("an endpoint is not encrypted")
        listed = found.get("id_token_signing_alg_values_supported", ["RS256"])
        found["id_token_signing_alg_values_supported"] = [
            one for one in listed if one in ALGORITHMS
        ] or ["RS256"]
        return {**found, "_loaded_at": time.time()}

    def _check_answer(self, request: Request) -> None:
        """Raise for an answer that is none, or that says it is another provider's (RFC 9207)."""
        asked = request.query_params
        if asked.get("error") == "access_denied":
            raise Denied("Your sign-in provider did not let you in. Ask whoever runs it.")
        if asked.get("error") in ("temporarily_unavailable", "server_error"):
            raise ProviderAway("Your sign-in provider cannot let you in now. Try again later.")
        if asked.get("error"):
            raise ProviderWrong(
                "Your sign-in provider answered that something is wrong, so nobody was signed in. "
                "Begin again; if it stays so, tell whoever runs the broker."
            )
        if asked.get("iss", self._settings.issuer) != self._settings.issuer:
            raise ValueError("the answer is another provider's")

    def _claims(self) -> Mapping[str, Any]:
        needed = {"essential": True, "allow_blank": False}
        return {
            "iss": {**needed, "value": self._settings.issuer},
            "aud": {**needed, "value": self._settings.client_id},
            "sub": dict(needed),
            "exp": dict(needed),
        }

    def _vouched(self, claims: Mapping[str, Any]) -> ProviderIdentity:
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise ValueError("the subject is none")
        named = (claims.get(name) for name in ("name", "preferred_username", "email"))
        names = [_clean(one) for one in named if isinstance(one, str) and _clean(one)]
        groups = claims.get(self._settings.claim)
        listed = groups if isinstance(groups, list) else [groups]
        kept = frozenset(one for one in listed[:MOST_GROUPS] if isinstance(one, str))
        name = names[0] if names else _clean(subject)
        if not name:
            raise ValueError("there is no name")
        return ProviderIdentity(self._settings.issuer, subject, name, kept)


class Bounded(httpx2.AsyncBaseTransport):
    """Requests that end: each on a connection of its own, in so long, with so much at most.

    No proxy and no credential is taken from the environment, and no redirect is followed. Whom to
    trust is the system's list of authorities, or the one that SSL_CERT_FILE names.
    """

    def __init__(self) -> None:
        self._trust = ssl.create_default_context()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and read its answer whole."""
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


def _how_to_prove(told: Mapping[str, Any]) -> str:
    """Return how the provider wants the client's secret: basic, unless it has said otherwise."""
    ways = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    basic = "client_secret_basic"
    return "client_secret_post" if basic not in ways and "client_secret_post" in ways else basic


def _timed(clock: Clock) -> type[CodeIDToken]:
    """Return the checks of an id token, by the broker's clock."""

    class Timed(CodeIDToken):  # type: ignore[misc]
        def validate(self, now: float | None = None, leeway: int = 0) -> None:
            super().validate(now or int(clock().timestamp()), leeway)

    return Timed


def _clean(text: str) -> str:
    """Return a name in one line of printable characters."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(plain.split())[:LONGEST_NAME].strip()
