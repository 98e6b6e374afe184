"""Access to the form: the session of the inbox, for people who may send for their organisation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from broker.domain.codes import MemberRight
from broker.errors import NotFound
from broker.inbox.access import ACCESS, Visit
from broker.referral_form.rendering import page
from broker.web.forms import check_token, form_of
from broker.web.session_cookie import NoRight, NotSignedIn

Handler = Callable[[Visit], Awaitable[Response]]
FormHandler = Callable[[Visit, Mapping[str, str]], Awaitable[Response]]
LARGEST_FORM = 512 * 1024
"""In bytes: a child's voice may have 30,000 characters, each of up to 12 bytes in a form."""
MOST_FIELDS = 1000


def shown(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for people who may send referrals."""
    return ACCESS.shown(MemberRight.PUBLISH, handler)


def submitted(
    handler: FormHandler, *, again: FormHandler | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for a form of our pages, sent by a person who may send referrals.

    ``again`` shows a form of an earlier session with what was typed, and changes nothing; with it,
    what was typed is not lost when the session has ended.
    """

    async def endpoint(request: Request) -> Response:
        try:
            visit = await ACCESS.visiting(request, MemberRight.PUBLISH)
        except NotSignedIn:
            if again is None:
                raise
            typed = _typed(await _form_of(request))
            return page("signed_out", 401, visit=None, typed=typed, path=request.url.path)
        form = await _form_of(request)
        try:
            check_token(form, visit.form_token)
        except NoRight:
            if again is None:
                raise
            return await again(visit, _typed(form))
        return await handler(visit, form)

    return endpoint


async def _form_of(request: Request) -> Mapping[str, str]:
    return await form_of(request, largest=LARGEST_FORM, most=MOST_FIELDS)


def _typed(form: Mapping[str, str]) -> dict[str, str]:
    """Return what a form holds, without what belongs to the session."""
    return {name: value for name, value in form.items() if name != "token"}


def revision_in(form: Mapping[str, str]) -> int:
    """Return the revision of the draft that a page was opened with; 0, which none has, without."""
    revision = form.get("revision", "")
    return int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 19 else 0


def id_in_path(visit: Visit) -> UUID:
    """Return the id in the address. Raises NotFound."""
    try:
        return UUID(visit.request.path_params["id"])
    except ValueError:
        raise NotFound("Check the web address.") from None
