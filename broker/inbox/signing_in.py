"""Signing in to the inbox by a one-time link that comes by email, and signing out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.admin import membership
from broker.domain.codes import NoticeChannel
from broker.errors import Denied
from broker.flow.inbox_notices import INBOX
from broker.inbox.access import COOKIE, Visit, inboxes_of
from broker.inbox.rendering import page
from broker.web.forms import form_of
from broker.web.own_paths import own_path


async def how(request: Request) -> Response:
    """Ask for the email address to which a link is to be sent."""
    has_mail = NoticeChannel.EMAIL in inboxes_of(request).context.notifiers
    is_ended = "signed-out" in request.query_params
    after = own_path(request.query_params.get("next", ""), INBOX)
    return page("sign_in", visit=None, has_mail=has_mail, is_ended=is_ended, after=after)


async def send_link(request: Request) -> Response:
    """Send a link to an address that is known here; the answer is the same for every address."""
    form = await form_of(request)
    inboxes, email = inboxes_of(request), form.get("email", "").strip()
    after = own_path(form.get("next", ""), INBOX)
    if "@" not in email or len(email) > membership.LONGEST_ADDRESS:
        fault = "Enter your email address, like name@example.org."
        shown = {"is_ended": False, "after": after, "fault": fault, "email": email}
        return page("sign_in", 422, visit=None, has_mail=True, **shown)
    # Beside the answer, whose duration must not show whether there is anything to send.
    inboxes.mails.begin(partial(membership.send_links, inboxes.context, email, after=after))
    return page("link_sent", visit=None, email=email)


async def offer(request: Request) -> Response:
    """Ask whether to sign in, so that a mail program that opens the link does not use it up."""
    inboxes, link = inboxes_of(request), request.path_params["link"]
    owner = await inboxes.run(membership.link_owner, inboxes.context, link)
    after = own_path(request.query_params.get("next", ""), INBOX)
    return page("offer", 200 if owner else 410, visit=None, owner=owner, link=link, after=after)


async def sign_in(request: Request) -> Response:
    """Begin a session; the link cannot be used again."""
    form, inboxes = await form_of(request), inboxes_of(request)
    try:
        secret = await inboxes.run(membership.sign_in, inboxes.context, request.path_params["link"])
    except Denied:
        return page("offer", 410, visit=None, owner=None, link="")
    return COOKIE.remember(
        RedirectResponse(own_path(form.get("next", ""), INBOX), 303), request, secret
    )


async def sign_out(visit: Visit, _: Mapping[str, str]) -> Response:
    """End the session."""
    await visit.inboxes.run(membership.sign_out, visit.context, visit.secret)
    response = RedirectResponse(f"{INBOX}/sign-in?signed-out", 303)
    return COOKIE.forget(response, visit.request)
