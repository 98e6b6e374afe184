"""Who may use an organisation's inbox: its own people decide that."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from broker.admin import member_sign_in, membership
from broker.admin.membership import Invited
from broker.domain.codes import MemberRight, NoticeChannel
from broker.errors import Conflict, Invalid, NotFound
from broker.flow.inbox_notices import INBOX
from broker.inbox import wording
from broker.inbox.access import Visit
from broker.inbox.rendering import page

Form = Mapping[str, str]
WAYS = ("links", "provider")
"""How an organisation's people may sign in."""
CONFIRMATIONS = {
    "invited": (
        "An email with a link to sign in is on its way. The link can be used for 7 days. If we "
        "cannot send it, this page says so."
    ),
    "changed": "What this person may do was changed.",
    "disabled": "This person can no longer sign in.",
    "mail": "Your choice about emails is saved.",
    "mobile": "Your choice about text messages is saved.",
    "covered": "The cover was changed.",
    "provider": (
        "From now on everybody signs in with their account of your organisation. Links that were "
        "sent no longer work."
    ),
    "links": "From now on everybody signs in with a link that we send by email.",
}


async def show(visit: Visit) -> Response:
    """Show everybody in the organisation."""
    return await _team_page(visit, {}, None)


async def invite(visit: Visit, form: Form) -> Response:
    """Invite a colleague."""
    invited = Invited(form.get("name", ""), form.get("email", ""), _rights(form))
    try:
        member = await visit.inboxes.run(
            membership.invite, visit.context, visit.agency, invited, by=visit.actor
        )
    except Invalid as error:
        return await _team_page(visit, form, error)
    send = partial(membership.send_invitation, visit.context, member, invited.email)
    if not visit.inboxes.mails.begin(send):
        await visit.inboxes.run(membership.note_unsent, visit.context, member, membership.TOO_MANY)
    return RedirectResponse(f"{INBOX}/team?done=invited", 303)


async def ask_change(visit: Visit) -> Response:
    """Show what a colleague may do."""
    member = await visit.inboxes.run(
        membership.member, visit.context, visit.agency, _member_id(visit)
    )
    return page("member", visit=visit, member=member, rights=wording.RIGHTS)


async def change(visit: Visit, form: Form) -> Response:
    """Change what a colleague may do, or end their access."""
    context, agency, id_ = visit.context, visit.agency, _member_id(visit)
    if form.get("do") == "disable":
        await visit.inboxes.run(membership.disable, context, agency, id_)
        return RedirectResponse(f"{INBOX}/team?done=disabled", 303)
    await visit.inboxes.run(membership.change_rights, context, agency, id_, _rights(form))
    return RedirectResponse(f"{INBOX}/team?done=changed", 303)


async def cover(visit: Visit, form: Form) -> Response:
    """Name the colleague who covers for the person while they are away."""
    chosen = form.get("cover", "")
    try:
        id_ = UUID(chosen) if chosen else None
    except ValueError:
        raise NotFound("There is no such colleague.") from None
    is_set = await visit.inboxes.run(
        visit.context.ledger.members.set_cover, visit.agency, visit.person.id, id_
    )
    if not is_set:
        raise Conflict("This colleague cannot cover for you. Nothing was changed.")
    return RedirectResponse(f"{INBOX}/team?done=covered", 303)


async def mail(visit: Visit, form: Form) -> Response:
    """Say whether the person is told by email of what arrives."""
    await visit.inboxes.run(
        visit.context.ledger.members.set_mail,
        visit.agency,
        visit.person.id,
        gets_mail=form.get("mail") == "yes",
    )
    return RedirectResponse(f"{INBOX}/team?done=mail", 303)


async def mobile(visit: Visit, form: Form) -> Response:
    """Keep the mobile on which the person wants text messages."""
    try:
        await visit.inboxes.run(
            membership.set_mobile,
            visit.context,
            visit.agency,
            visit.person.id,
            form.get("mobile", ""),
        )
    except Invalid as error:
        return await _team_page(visit, form, error)
    return RedirectResponse(f"{INBOX}/team?done=mobile", 303)


async def sign_in(visit: Visit, form: Form) -> Response:
    """Set how everybody in the organisation signs in."""
    way = form.get("way", "")
    if way not in WAYS:
        raise NotFound("There is no such way to sign in. Nothing was changed.")
    with_provider = way == "provider"
    await visit.inboxes.run(
        member_sign_in.set_sign_in,
        visit.context,
        visit.agency,
        with_provider=with_provider,
        by=visit.actor,
    )
    return RedirectResponse(f"{INBOX}/team?done={way}", 303)


async def _team_page(visit: Visit, form: Form, error: Invalid | None) -> Response:
    known = visit.context.ledger.members
    members = await visit.inboxes.run(known.members, visit.agency)
    faults = {fault.pointer.strip("/"): fault.message for fault in error.faults} if error else {}
    return page(
        "team",
        422 if error else 200,
        visit=visit,
        form=form,
        faults=faults,
        members=[member for member in members if member.disabled_at is None],
        gone=[member for member in members if member.disabled_at is not None],
        person=next(member for member in members if member.id == visit.person.id),
        has_sms=NoticeChannel.SMS in visit.context.notifiers,
        names={member.id: member.name for member in members},
        rights=wording.RIGHTS,
        has_provider=visit.inboxes.provider is not None,
        with_provider=await visit.inboxes.run(known.sign_in_of, visit.agency),
        confirmation=CONFIRMATIONS.get(visit.request.query_params.get("done", "")),
    )


def _rights(form: Form) -> list[MemberRight]:
    return [right for right in MemberRight if f"right-{right}" in form]


def _member_id(visit: Visit) -> UUID:
    try:
        return UUID(visit.request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such colleague.") from None
