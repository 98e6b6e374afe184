"""Signing in to the inbox, by a link that comes by email or with a provider, and signing out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.admin import member_sign_in, membership
from broker.admin.sign_in import ProviderIdentity
from broker.domain.codes import NoticeChannel
from broker.errors import Denied, NotFound
from broker.flow.inbox_notices import INBOX
from broker.inbox.access import COOKIE, Visit, inboxes_of
from broker.inbox.rendering import page
from broker.web.forms import form_of
from broker.web.openid_provider import NotBegun, Provider
from broker.web.own_paths import own_path

CHOOSE = f"{INBOX}/sign-in/inbox"
"""Where a member of several organisations chooses."""
_IDENTITY = ("issuer", "subject", "name", "email")
"""What a sign-in in progress keeps of whom the provider confirmed."""


async def how(request: Request) -> Response:
    """Ask for the email address to which a link is to be sent."""
    has_mail = NoticeChannel.EMAIL in inboxes_of(request).context.notifiers
    is_ended = "signed-out" in request.query_params
    after = own_path(request.query_params.get("next", ""), INBOX)
    return _how(request, has_mail=has_mail, is_ended=is_ended, after=after)


async def signed_out(request: Request) -> Response:
    """Show that the person is signed out, at the provider as well."""
    has_mail = NoticeChannel.EMAIL in inboxes_of(request).context.notifiers
    return _how(request, has_mail=has_mail, is_ended=True, after=INBOX)


def _how(request: Request, status: int = 200, /, **shown: object) -> Response:
    with_provider = inboxes_of(request).provider is not None
    return page("sign_in", status, visit=None, with_provider=with_provider, **shown)


async def send_link(request: Request) -> Response:
    """Send a link to an address that is known here; the answer is the same for every address."""
    form = await form_of(request)
    inboxes, email = inboxes_of(request), form.get("email", "").strip()
    after = own_path(form.get("next", ""), INBOX)
    if "@" not in email or len(email) > membership.LONGEST_ADDRESS:
        fault = "Enter your email address, like name@example.org."
        shown = {"is_ended": False, "after": after, "fault": fault, "email": email}
        return _how(request, 422, has_mail=True, **shown)
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


async def to_provider(request: Request) -> Response:
    """Redirect to the provider."""
    after = own_path(request.query_params.get("next", ""), INBOX)
    return await _provider(request).ask(request, after=after)


async def from_provider(request: Request) -> Response:
    """Begin a session for a member whom the provider confirms; of several inboxes they choose.

    Raises Denied for somebody who was not invited.
    """
    inboxes, answer = inboxes_of(request), request.query_params.get("state", "")
    person, after = await _provider(request).answered(request)
    allowed = await inboxes.run(member_sign_in.memberships, inboxes.context, person)
    if len(allowed) > 1:
        # In the signed cookie of the sign-in: nothing of it can be changed in the browser. It has
        # no room for every inbox, so these are read again.
        identity = {name: getattr(person, name) for name in _IDENTITY}
        request.session.update(identity=identity, answer=answer, after=after)
        return RedirectResponse(CHOOSE, 303)
    return await _begin(request, allowed[0].member, person.key, answer, after)


async def choose(request: Request) -> Response:
    """Ask which inbox to open, of a member of several organisations."""
    return page("choose", visit=None, offered=await _offered(request))


async def chosen(request: Request) -> Response:
    """Begin a session in the inbox that was chosen. Raises Denied."""
    form, offered = await form_of(request), await _offered(request)
    member = form.get("member", "")
    if member not in offered:
        fault = "Choose an inbox."
        return page("choose", 422, visit=None, offered=offered, fault=fault)
    person, answer, after = _identity(request), request.session["answer"], request.session["after"]
    request.session.clear()
    return await _begin(request, UUID(member), person.key, answer, after)


async def sign_out(visit: Visit, _: Mapping[str, str]) -> Response:
    """End the session, and lead on to the provider's own sign-out where there is one."""
    by_provider = await visit.inboxes.run(membership.sign_out, visit.context, visit.secret)
    response: Response = RedirectResponse(f"{INBOX}/sign-in?signed-out", 303)
    if by_provider and (provider := visit.inboxes.provider):
        response = await provider.leave(lambda url: page("signed_out", visit=None, url=url))
    return COOKIE.forget(response, visit.request)


async def _begin(request: Request, member: UUID, subject: str, answer: str, after: str) -> Response:
    inboxes = inboxes_of(request)
    secret = await inboxes.run(
        member_sign_in.begin_session, inboxes.context, member, subject, answer=answer
    )
    return COOKIE.remember(RedirectResponse(own_path(after, INBOX), 303), request, secret)


async def _offered(request: Request) -> Mapping[str, str]:
    """Return the inboxes that a sign-in in progress offers, by member.

    Raises NotBegun, and Denied where none is left.
    """
    inboxes, person = inboxes_of(request), _identity(request)
    allowed = await inboxes.run(member_sign_in.memberships, inboxes.context, person)
    return {str(known.member): known.organisation_name for known in allowed}


def _identity(request: Request) -> ProviderIdentity:
    """Return whom the provider confirmed in a sign-in in progress. Raises NotBegun."""
    identity = request.session.get("identity")
    if not identity:
        raise NotBegun("This sign-in was used before, or it is too old. Start again.")
    return ProviderIdentity(**identity)


def _provider(request: Request) -> Provider:
    provider = inboxes_of(request).provider
    if provider is None:
        raise NotFound("No sign-in provider is set up. Use a link by email.")
    return provider
