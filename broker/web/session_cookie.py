"""Sessions of people who are signed in: the cookie, and the errors of those who are not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from broker.errors import Denied
from broker.settings import LOOPBACK


class NotSignedIn(Denied):
    """Nobody is signed in, or the session has ended."""

    code = "not-signed-in"


class NoRight(Denied):
    """The person may not do this."""

    code = "no-right"


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The cookie of one kind of session: for this host and its own pages, out of reach of scripts.

    Over TLS its name has the prefix that binds it to this host (RFC 6265bis, section 4.1.3.2).
    """

    name: str
    lasts: timedelta

    def secret(self, request: Request) -> str:
        """Return the secret of the session; empty when there is none."""
        return request.cookies.get(self._name(request), "")

    def remember(self, response: Response, request: Request, secret: str) -> Response:
        """Set the cookie."""
        response.set_cookie(
            self._name(request),
            secret,
            max_age=int(self.lasts.total_seconds()),
            path="/",
            secure=not is_plain(request),
            httponly=True,
            samesite="lax",
        )
        return response

    def forget(self, response: Response, request: Request) -> Response:
        """Delete the cookie."""
        response.delete_cookie(
            self._name(request),
            path="/",
            secure=not is_plain(request),
            httponly=True,
            samesite="lax",
        )
        return response

    def _name(self, request: Request) -> str:
        return self.name if is_plain(request) else f"__Host-{self.name}"


def is_plain(request: Request) -> bool:
    """Tell whether this is plain HTTP on this very machine, where a Secure cookie would be lost."""
    return request.url.scheme == "http" and request.url.hostname in LOOPBACK
