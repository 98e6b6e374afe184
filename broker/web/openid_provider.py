"""An OpenID provider at which people sign in: authorization code, PKCE, state and nonce.

authlib implements the protocol. This module bounds it: one provider, a list of signatures, and only
the class of an error is shown or logged. ``openid_client`` bounds its conversations.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response

from broker.admin.sign_in import ProviderIdentity
from broker.domain.ids import Clock
from broker.errors import BrokerError, Denied, Unavailable
from broker.settings import OpenIdProvider, Settings, is_safe_url
from broker.telemetry import error_fields, logger
from broker.web.errors import Titles
from schemas.shown_text import MARK, shown_line

AT_ONCE = 4
"""Sign-ins in progress in one process; further people are asked to try again."""
SIGN_IN_SECONDS = 600
"""How long a person may take to sign in there."""
METADATA_SECONDS = 3600.0
"""How long the provider's description of itself and its keys are cached."""
LEEWAY_SECONDS = 60
"""How far the provider's clock may differ."""
LONGEST_SUBJECT = 255
LONGEST_NAME = 88
"""In characters, so that 100 has room for a mark on a second person of the same name."""
LONGEST_ADDRESS = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""
MOST_GROUPS = 1000
_ADDRESS = frozenset({"email", "email_verified"})
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    | {"ES256", "ES384", "ES512", "Ed25519", "EdDSA"}
)
"""Signatures by a key that only the provider has: neither ``none`` nor a shared secret."""
_ENDPOINTS = (
    *("authorization_endpoint", "token_endpoint", "jwks_uri"),
    *("end_session_endpoint", "userinfo_endpoint"),
)
_NAMES = ("name", "preferred_username", "email")
"""The claims that may hold what to call somebody, the best first."""
_READ = (
    *("issuer", "id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported"),
    *_ENDPOINTS,
)
"""What is read of the provider's description; authlib would take settings from the rest."""
_NOT_BEGUN = (
    "You did not start it in this browser, or you started more than 10 minutes ago, or it was used "
    "before. Start again."
)
_log = logger("sign-in")


class ProviderAway(Unavailable):
    """The provider does not answer, or answers that it is unavailable."""

    code = "provider-away"


class ProviderWrong(BrokerError):
    """The provider's answer is not valid."""

    code = "provider-wrong"


class NotBegun(Denied):
    """An answer of the provider to a sign-in that this browser did not start."""

    code = "sign-in-not-begun"


TITLES: Titles = (
    (NotBegun, 400, "We cannot continue this sign-in"),
    (ProviderAway, 503, "You cannot sign in at the moment"),
    (ProviderWrong, 502, "Your sign-in provider’s answer was refused"),
)
"""The status and the title of each error of a sign-in."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """The pages to which people sign in: those for ops, or the inbox."""

    root: str
    """The address below which the pages are."""
    cookie: str
    """The name of the cookie that holds a sign-in in progress."""
    instead: str = ""
    """What to do while the provider does not answer, as a sentence."""
    needs_email: bool = False
    """Whether people are known by their email address."""

    @property
    def answer(self) -> str:
        """The address that the provider sends people back to; it must be registered there."""
        return f"{self.root}/sign-in/answer"

    @property
    def signed_out(self) -> str:
        """The address that the provider sends people to after they have signed out there."""
        return f"{self.root}/signed-out"


class Provider:
    """The provider in the settings, for one kind of pages. Used from the event loop alone."""

    def __init__(
        self, settings: OpenIdProvider, entrance: Entrance, *, public_url: str, clock: Clock
    ) -> None:
        # Where a provider is set alone: its libraries take a twentieth of a gateway's start.
        from broker.web import openid_client  # noqa: PLC0415

        self._library: Any = openid_client
        self._settings = settings
        self._entrance = entrance
        self._public_url = public_url
        self._clock = clock
        self._busy = asyncio.Semaphore(AT_ONCE)
        self._app: Any = None
        self._fresh_until = 0.0

    @classmethod
    def of(cls, settings: Settings, entrance: Entrance, clock: Clock) -> Provider | None:
        """Return the provider for one kind of pages; None where none is set."""
        if settings.provider is None:
            return None
        return cls(settings.provider, entrance, public_url=settings.public_url, clock=clock)

    @property
    def rights_of(self) -> Mapping[str, Any]:
        """The rights of each group."""
        return self._settings.rights

    def middleware(self) -> Middleware:
        """Return the middleware that keeps state, nonce and verifier in a signed cookie."""
        secure, name = urlsplit(self._public_url).scheme == "https", self._entrance.cookie
        key = hmac.new(self._settings.client_secret.encode(), b"sign-in cookie", hashlib.sha256)
        return Middleware(
            SessionMiddleware,
            secret_key=key.hexdigest(),
            session_cookie=f"__Host-{name}" if secure else name,
            max_age=SIGN_IN_SECONDS,
            https_only=secure,
        )

    async def ask(self, request: Request, *, after: str) -> Response:
        """Redirect to the provider; ``after`` is where to go once the person is signed in."""
        async with self._conversation():
            app = await self._ready()
            request.session.clear()
            back = self._public_url + self._entrance.answer
            response: Response = await app.authorize_redirect(request, back)
            request.session["after"] = after
            return response

    async def answered(self, request: Request) -> tuple[ProviderIdentity, str]:
        """Return the identity that the provider confirms, and where the person wanted to go.

        The cookie of the sign-in can be used once. Raises NotBegun, ProviderAway, ProviderWrong, or
        Denied when the provider refused the person.
        """
        after, state = request.session.get("after", ""), request.query_params.get("state", "")
        if not request.session:
            raise NotBegun(_NOT_BEGUN)
        try:
            async with self._conversation():
                app = await self._ready()
                if not await app.framework.get_state_data(request.session, state):
                    raise NotBegun(_NOT_BEGUN)
                self._check_answer(request)
                token = await app.authorize_access_token(
                    request,
                    claims_options=self._claims(),
                    claims_cls=self._library.timed(self._clock),
                    leeway=LEEWAY_SECONDS,
                )
                claims = await self._with_userinfo(app, token)
                return self._vouched(claims), str(after)
        finally:
            request.session.clear()

    async def leave(self, page: Callable[[str | None], Response]) -> Response:
        """Return a page that leads on to the provider: a form must not lead to another website.

        ``page`` makes it with the provider's address to sign out, None where there is none.
        """
        url = await self.way_out()
        response = page(url)
        if url:
            response.headers["Refresh"] = f"0; url={url}"
        return response

    async def way_out(self) -> str | None:
        """Return the provider's own page to sign out; None without one, or if it cannot be had."""
        try:
            return await self._way_out()
        except (ProviderAway, ProviderWrong):
            return None

    async def _way_out(self) -> str | None:
        async with self._conversation():
            app = await self._ready()
            if "end_session_endpoint" not in app.server_metadata:
                return None
            # Without the id token: it names a person and would appear in the address.
            logout = await app.create_logout_url(
                post_logout_redirect_uri=self._public_url + self._entrance.signed_out,
                client_id=self._settings.client_id,
            )
            return str(logout["url"])

    @asynccontextmanager
    async def _conversation(self) -> AsyncIterator[None]:
        """Bound the conversations with the provider, and turn its errors into our own."""
        if self._busy.locked():
            raise ProviderAway("Too many people are signing in. Try again in a minute.")
        async with self._busy:
            try:
                yield
            except self._library.AWAY as error:
                _log.warning("provider away", **error_fields(error))
                text = "Your sign-in provider does not answer. Try again in a minute."
                raise ProviderAway(f"{text} {self._entrance.instead}".strip()) from None
            except self._library.WRONG as error:
                self._app = None  # read the description again next time
                _log.warning("provider wrong", error=type(error).__name__)
                raise ProviderWrong(
                    "Your sign-in provider sent an answer that we cannot accept, so you are not "
                    "signed in. Start again. If this happens again, tell your administrator."
                ) from None

    async def _ready(self) -> Any:
        """Return the client, with a description of the provider that is checked and fresh."""
        if self._app is None or time.monotonic() >= self._fresh_until:
            app = self._library.client(self._settings, scope=self._scope())
            metadata = await app.load_server_metadata()
            app.server_metadata = self._checked(metadata)
            app.client_kwargs["token_endpoint_auth_method"] = _auth_method(metadata)
            self._app, self._fresh_until = app, time.monotonic() + METADATA_SECONDS
        return self._app

    def _scope(self) -> str:
        scope = self._settings.scope
        is_short = self._entrance.needs_email and "email" not in scope.split()
        return f"{scope} email" if is_short else scope

    async def _with_userinfo(self, app: Any, token: Mapping[str, Any]) -> dict[str, Any]:
        """Return the claims of the id token, and those of UserInfo that it lacks.

        UserInfo is asked for only where a claim is missing. It must be about the same subject
        (OpenID Connect Core, 5.3.2). An address and whether it is verified come from one of them.
        """
        claims = dict(token["userinfo"])
        if "userinfo_endpoint" not in app.server_metadata or self._has_all(claims):
            return claims
        more = dict(await app.userinfo(token=token))
        if more.get("sub") != claims.get("sub"):
            raise ValueError("the userinfo is another subject's")
        # Another address with "verified" beside it would be taken for verified.
        less = more if _has_address(claims) else claims
        for name in _ADDRESS:
            less.pop(name, None)
        return {**more, **claims}

    def _has_all(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the id token says all that is used of it."""
        is_named = any(claims.get(name) for name in _NAMES)
        has_groups = not self._settings.rights or self._settings.claim in claims
        if self._entrance.needs_email:
            return is_named and _has_address(claims)
        return is_named and has_groups

    def _checked(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        read = {name: metadata[name] for name in _READ if metadata.get(name)}
        if read.get("issuer") != self._settings.issuer:
            raise ValueError("the issuer is another one")
        if not {*_ENDPOINTS[:3]} <= read.keys():
            raise ValueError("an endpoint is missing")
        for name in _ENDPOINTS:
            plain = urlsplit(self._settings.issuer).scheme == "http"
            url = read.get(name, self._settings.issuer).replace("?", "/", 1)  # it may have a query
            if not is_safe_url(url) or (url.startswith("http:") and not plain):
                raise ValueError("an endpoint is not encrypted")
        listed = read.get("id_token_signing_alg_values_supported", ["RS256"])
        allowed = [algorithm for algorithm in listed if algorithm in ALGORITHMS]
        read["id_token_signing_alg_values_supported"] = allowed or ["RS256"]
        return {**read, "_loaded_at": time.time()}

    def _check_answer(self, request: Request) -> None:
        """Raise for an answer with an error, or from another provider (RFC 9207)."""
        answer = request.query_params
        if answer.get("error") == "access_denied":
            raise Denied("Your sign-in provider did not let you in. Ask its administrator.")
        if answer.get("error") in ("temporarily_unavailable", "server_error"):
            raise ProviderAway("Your sign-in provider is not available. Try again later.")
        if answer.get("error"):
            raise ProviderWrong(
                "Your sign-in provider reported an error, so you are not signed in. Start again. "
                "If this happens again, tell your administrator."
            )
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:
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
        if not _is_line(subject, LONGEST_SUBJECT):
            raise ValueError("the subject is none")
        candidates = (claims.get(name) for name in _NAMES)
        names = [_clean(text) for text in candidates if isinstance(text, str) and _clean(text)]
        groups = claims.get(self._settings.claim)
        listed = groups if isinstance(groups, list) else [groups]
        known = frozenset(group for group in listed[:MOST_GROUPS] if isinstance(group, str))
        name = names[0] if names else _clean(subject)
        if not name:
            raise ValueError("there is no name")
        email = claims.get("email") if claims.get("email_verified") is True else None
        address = email if _is_line(email, LONGEST_ADDRESS) else None
        return ProviderIdentity(self._settings.issuer, subject, name, known, address)


def _has_address(claims: Mapping[str, Any]) -> bool:
    """Tell whether claims hold an address and whether it is verified."""
    return claims.keys() >= _ADDRESS


def _is_line(value: object, longest: int) -> bool:
    """Tell whether a claim is a text that the ledger can hold: no control character in it."""
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _auth_method(metadata: Mapping[str, Any]) -> str:
    """Return how to send the client's secret: basic, unless the provider only takes post."""
    ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    basic = "client_secret_basic"
    return "client_secret_post" if basic not in ways and "client_secret_post" in ways else basic


def _clean(text: str) -> str:
    """Return a name in one line, without what is not shown."""
    plain = shown_line(text).replace(MARK, " ")
    return " ".join(plain.split())[:LONGEST_NAME].strip()
