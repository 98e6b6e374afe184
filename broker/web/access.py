"""Access to pages: who is signed in, what they may do, and that a form is from their session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.web.forms import LARGEST_FORM, check_token, form_of
from broker.web.session_cookie import NoRight, NotSignedIn

Endpoint = Callable[[Request], Awaitable[Response]]
R = TypeVar("R", bound=StrEnum)
_R_contra = TypeVar("_R_contra", bound=StrEnum, contravariant=True)


class SignedInVisit(Protocol[_R_contra]):
    """One request of a person who is signed in."""

    @property
    def form_token(self) -> str:
        """The token that every form of the session has."""

    def may(self, right: _R_contra) -> bool:
        """Tell whether the person has a right."""


V = TypeVar("V", bound=SignedInVisit[Any])


TYPED = "q"
"""The parameter in which searches hold what a person typed, which may be a name."""


def _wanted(request: Request) -> str:
    """Return the page to show after signing in: its address without what was typed in a search.

    It goes into the address of the sign-in page, and from there into emails.
    """
    kept = [pair for pair in request.query_params.multi_items() if pair[0] != TYPED]
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")


@dataclass(frozen=True, slots=True)
class Access(Generic[R, V]):
    """The access to one kind of pages: for ops, or for an agency's people."""

    root: str
    """The address below which the pages are."""
    signed_in: Callable[[Request], Awaitable[V | None]]
    """Returns the visit of who is signed in; None for somebody who is not."""
    permits: Mapping[R, str]
    """What each right permits, as in "You do not have permission to …"."""
    ask: str
    """Whom to ask for a right, as a sentence."""
    largest_form: int = LARGEST_FORM
    """In bytes."""
    after_form: Callable[[V], None] | None = None
    """Runs when a form was handled, whatever became of it."""

    def shown(self, right: R, handler: Callable[[V], Awaitable[Response]]) -> Endpoint:
        """Return an endpoint for people who have the right; others must sign in, or are refused."""

        async def endpoint(request: Request) -> Response:
            try:
                visit = await self.visiting(request, right)
            except NotSignedIn:
                wanted = urlencode({"next": _wanted(request)})
                return RedirectResponse(f"{self.root}/sign-in?{wanted}", 303)
            return await handler(visit)

        return endpoint

    def submitted(
        self, right: R, handler: Callable[[V, Mapping[str, str]], Awaitable[Response]]
    ) -> Endpoint:
        """Return an endpoint for a form of our pages, sent by a person who has the right."""

        async def endpoint(request: Request) -> Response:
            visit = await self.visiting(request, right)
            form = await form_of(request, largest=self.largest_form)
            check_token(form, visit.form_token)
            try:
                return await handler(visit, form)
            finally:
                if self.after_form is not None:
                    self.after_form(visit)

        return endpoint

    async def visiting(self, request: Request, right: R) -> V:
        """Return the visit, and keep it for a page that shows an error.

        Raises NotSignedIn or NoRight.
        """
        visit = await self.signed_in(request)
        if visit is None:
            raise NotSignedIn("Sign in first.")
        request.state.visit = visit
        if not visit.may(right):
            raise NoRight(f"You do not have permission to {self.permits[right]}. {self.ask}")
        return visit
