"""Access to the form: the session of the inbox, for people who may send for their organisation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from broker.admin.membership import ROOT as INBOX
from broker.domain.codes import MemberRight
from broker.errors import NotFound
from broker.inbox.access import FormHandler, Handler, Visit, visiting
from broker.inbox.access import shown as shown_to
from broker.web.forms import check_token, form_of

ROOT = f"{INBOX}/referrals"
LARGEST_FORM = 512 * 1024
"""In bytes: a child's voice may have 30,000 characters, each of up to 12 bytes in a form."""
MOST_FIELDS = 1000


def shown(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for people who may send referrals."""
    return shown_to(MemberRight.PUBLISH, handler)


def submitted(handler: FormHandler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for a form of our pages, sent by a person who may send referrals."""

    async def endpoint(request: Request) -> Response:
        visit = await visiting(request, MemberRight.PUBLISH)
        form = await form_of(request, largest=LARGEST_FORM, most=MOST_FIELDS)
        check_token(form, visit.form_token)
        return await handler(visit, form)

    return endpoint


def id_in_path(visit: Visit) -> UUID:
    """Return the id in the address. Raises NotFound."""
    try:
        return UUID(visit.request.path_params["id"])
    except ValueError:
        raise NotFound("Check the web address.") from None
