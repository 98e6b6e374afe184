"""A small OpenID provider on loopback: real HTTP, real signatures, and it can be made to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.conftest import FixedClock, eventually

CLIENT, SECRET = "the-broker", "a-secret-of-the-tests-4711"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


@dataclass
class Person:
    """Who signs in there."""

    sub: str = "person-1"
    name: str = "Jo Example"
    groups: Any = ("ops",)


@dataclass
class OpenId:
    """What the provider knows, what it was asked, and how it lies."""

    url: str
    clock: FixedClock
    back: str = ""
    """The only address that it sends people back to."""
    out: str = ""
    person: Person = field(default_factory=Person)
    asks: bool = False
    """Whether it shows a page with a button, as for a person, or goes on at once."""
    careless: bool = False
    """Whether it takes a code more than once."""
    key: Any = field(default_factory=lambda: KEY)
    published: Any = field(default_factory=lambda: KEY)
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    claims: dict[str, Any] = field(default_factory=dict)
    """Claims that differ from what is true; None leaves one out."""
    description: dict[str, Any] = field(default_factory=dict)
    """What differs in what it says about itself; None leaves one out."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What differs in how it sends people back."""
    instead: dict[str, Callable[[], Response]] = field(default_factory=dict)
    """Other answers for some paths."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    userinfo: dict[str, Any] | None = None
    """What UserInfo says; without it there is none."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)
    """Codes and tokens: nothing but the two of them may ever know these."""

    def app(self) -> Starlette:
        found = {
            "/.well-known/openid-configuration": self.describe,
            "/authorize": self.authorize,
            "/keys": self.keys,
            "/out": self.sign_out,
            "/userinfo": self.describe_person,
        }
        routes = [Route(path, self._or_instead(handler)) for path, handler in found.items()]
        token = Route("/token", self._or_instead(self.token), methods=["POST"])
        return Starlette(routes=[*routes, token])

    def _or_instead(self, handler: Any) -> Any:
        async def answer(request: Request) -> Response:
            self.asked.append((request.url.path, dict(request.query_params)))
            if request.url.path in self.instead:
                return self.instead[request.url.path]()
            return await handler(request)

        return answer

    async def describe(self, _: Request) -> Response:
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/out",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        if self.userinfo is not None:
            found["userinfo_endpoint"] = f"{self.url}/userinfo"
        return JSONResponse(_changed(found, self.description))

    async def describe_person(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer opaque":
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(_changed({"sub": self.person.sub}, self.userinfo or {}))

    async def keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.published.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"] == self.back
        if self.asks and "yes" not in asked:
            fields = "".join(
                f'<input type="hidden" name="{k}" value="{v}">' for k, v in asked.items()
            )
            return HTMLResponse(
                f'<html lang="en"><title>Provider</title><form>{fields}<input type="hidden" '
                f'name="yes" value="1"><button>I am {self.person.name}</button></form></html>'
            )
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        self.given.append(code)
        told = _changed({"code": code, "state": asked["state"]}, self.answers)
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(told)}", 302)

    async def token(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode()))
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.get(given["code"])
        if not self.careless:
            self.codes.pop(given["code"], None)
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or given["redirect_uri"] != self.back
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = self.signed(asked["nonce"])
        self.given.extend([token, given["code_verifier"]])
        return JSONResponse({"access_token": "opaque", "token_type": "Bearer", "id_token": token})

    def signed(self, nonce: str) -> str:
        now = int(self.clock().timestamp())
        true = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": self.person.sub,
            "name": self.person.name,
            "groups": list(self.person.groups) if self.person.groups is not None else None,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
        }
        claims = _changed(true, self.claims)
        if self.header["alg"] == "none":
            parts = (json.dumps(part).encode() for part in (self.header, claims))
            head, body = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
            return f"{head}.{body}."
        registry = JWSRegistry(algorithms=[self.header["alg"]])
        return jwt.encode(self.header, claims, self.key, registry=registry)

    async def sign_out(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert asked["post_logout_redirect_uri"] == self.out
        return RedirectResponse(self.out, 302)


def shared_secret() -> OctKey:
    """Return a key made of the client's secret, as one would forge tokens with."""
    return OctKey.import_key(SECRET, {"kid": "one"})


def slowly(seconds: float) -> Callable[[], Response]:
    """Return an answer that takes long."""

    def answer() -> Response:
        time.sleep(seconds)
        return JSONResponse({})

    return answer


def _changed(found: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


@contextmanager
def provider(clock: FixedClock) -> Iterator[OpenId]:
    """Serve a provider on a free port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    found = OpenId(f"http://127.0.0.1:{listener.getsockname()[1]}", clock)
    config = uvicorn.Config(
        found.app(), log_level="critical", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    eventually(lambda: server.started)
    try:
        yield found
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
