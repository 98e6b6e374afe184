"""Who uses an organisation's inbox: invitations, one-time links by email, sessions.

The ledger holds digests of secrets only. Whether an address is known here is told to nobody: a
link is sent, or it is not.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from broker.admin.sign_in import digest
from broker.domain.codes import MemberRight, NoticeChannel
from broker.domain.ids import NewId, OrganisationCode
from broker.errors import Conflict, Denied, Fault, Invalid, NotFound
from broker.flow.context import Context
from broker.flow.inbox_notices import INBOX
from broker.ledger.ledger import Ledger
from broker.ledger.members import Member, Membership, NewMember, SignedInMember
from broker.notices.base import Message, Sent
from broker.policy.language.directory_reader import MOBILE
from broker.side_log import Change
from broker.telemetry import logger
from schemas.shown_text import says_something, shown_line

LINK_FOR = timedelta(minutes=15)
"""How long a link is good for that somebody asked for."""
INVITATION_FOR = timedelta(days=7)
"""How long the link of an invitation is good for."""
SESSION_FOR = timedelta(hours=12)
IDLE = timedelta(minutes=30)
"""A session ends when nobody has used it for so long."""
LINKS_AN_HOUR = 6
"""To one member, so that nobody's mailbox can be filled."""
TOO_MANY = "too_many"
"""Why a link is not sent: so many were asked for, or are being sent."""
LONGEST_NAME = 100
LONGEST_ADDRESS = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""
_SECRET_BYTES = 32
_ADDRESS = re.compile(r"[^@\s<>\"',;:\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_log = logger("members")


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom somebody invites. Everybody may read."""

    name: str
    email: str
    rights: Collection[MemberRight] = ()


def add(
    ledger: Ledger,
    organisation: OrganisationCode,
    invited: Invited,
    *,
    by: str,
    now: datetime,
    new_id: NewId,
) -> UUID:
    """Let somebody use an organisation's inbox; return their id.

    ``by`` is who invites, as the history names them. Raises Invalid for a name or an address that
    cannot be one; Conflict where nobody could administer.
    """
    name, email = shown_line(invited.name).strip(), invited.email.strip()
    faults = []
    if not says_something(name) or len(name) > LONGEST_NAME:
        message = f"Enter a name of 1 to {LONGEST_NAME} characters."
        faults.append(Fault("/name", "bad-name", message))
    if not _ADDRESS.fullmatch(email) or len(email) > LONGEST_ADDRESS or not email.isprintable():
        message = "Enter an email address, like name@example.org."
        faults.append(Fault("/email", "bad-format", message))
    if faults:
        raise Invalid("Check what you entered.", faults=faults)
    rights = frozenset({MemberRight.READ, *invited.rights})
    new = NewMember(new_id(), organisation, name, email, rights, by)
    if (member := ledger.members.invite(new, now=now)) is None:
        raise _last_administrator()
    return member


def invite(context: Context, organisation: OrganisationCode, invited: Invited, *, by: str) -> UUID:
    """Add a member as ``add`` does; return their id. ``send_invitation`` sends them a link."""
    return add(
        context.ledger, organisation, invited, by=by, now=context.clock(), new_id=context.new_id
    )


def send_invitation(context: Context, member: UUID, email: str) -> None:
    """Send a member the link of their invitation; what became of it stands on the team page."""
    for known in context.ledger.members.at_address(email.strip()):
        if known.member == member:
            _send_link(context, known, email.strip(), lasts=INVITATION_FOR)


def send_links(context: Context, email: str, *, after: str = INBOX) -> None:
    """Send a link for each organisation in which an address may sign in; say nothing of others.

    ``after`` is the page to which the links lead.
    """
    for known in context.ledger.members.at_address(email.strip()):
        _send_link(context, known, email.strip(), after=after)


def new_link(
    ledger: Ledger,
    member: UUID,
    *,
    url: str,
    now: datetime,
    lasts: timedelta = LINK_FOR,
    after: str = INBOX,
) -> str:
    """Return the address of a new one-time link for a member. It is never shown again.

    ``url`` is where the gateway is. Raises Denied when they may not sign in, or had
    ``LINKS_AN_HOUR`` within an hour.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    is_made = ledger.members.add_link(
        member, digest(secret), now=now, expires_at=now + lasts, most=LINKS_AN_HOUR
    )
    if not is_made:
        raise Denied("This person may not sign in, or had too many links within the last hour.")
    query = f"?{urlencode({'next': after})}" if after != INBOX else ""
    return f"{url.rstrip('/')}{INBOX}/sign-in/{secret}{query}"


def _send_link(
    context: Context,
    known: Membership,
    address: str,
    *,
    lasts: timedelta = LINK_FOR,
    after: str = INBOX,
) -> None:
    """Send a link; that it could not be sent stands in the log, on the team page, in no answer."""
    notifier, url = context.notifiers.get(NoticeChannel.EMAIL), context.settings.public_url
    if notifier is None:
        note_unsent(context, known.member, "channel_not_set")
        return
    now = context.clock()
    try:
        link = new_link(context.ledger, known.member, url=url, now=now, lasts=lasts, after=after)
    except Denied:
        note_unsent(context, known.member, TOO_MANY)
        return
    is_invitation = lasts == INVITATION_FOR
    if known.with_provider:
        # The link only counts this email: it is not sent, and would not be taken.
        mail = _mail_to_provider(context, known, url, is_invitation=is_invitation)
    else:
        mail = _mail(context, known, link, is_invitation=is_invitation)
    outcome = notifier.send(address, mail)
    if isinstance(outcome, Sent):
        context.ledger.members.note_link(known.member, None, now=context.clock())
    else:
        note_unsent(context, known.member, outcome.code)


def note_unsent(context: Context, member: UUID, code: str) -> None:
    """Keep in the log and on the team page why a link was not sent to a member."""
    _log.warning("link not sent", member=str(member), code=code)
    context.ledger.members.note_link(member, code, now=context.clock())


def _mail(context: Context, known: Membership, link: str, *, is_invitation: bool) -> Message:
    lasts = "7 days" if is_invitation else "15 minutes"
    return _message(
        context,
        known,
        f"Use this link to sign in as {known.name}:\n\n{link}\n\n"
        f"You can use it once, within {lasts}. Do not forward this email.",
        is_invitation=is_invitation,
    )


def _mail_to_provider(
    context: Context, known: Membership, url: str, *, is_invitation: bool
) -> Message:
    """Return an email about where to sign in with the organisation's account; it has no secret."""
    return _message(
        context,
        known,
        "Sign in with the account of your organisation that has this email address:\n\n"
        f"{url.rstrip('/')}{INBOX}/sign-in",
        is_invitation=is_invitation,
    )


def _message(context: Context, known: Membership, how: str, *, is_invitation: bool) -> Message:
    invited = f"You can now use the referral inbox of {known.organisation_name}.\n\n"
    return Message(
        id=str(context.new_id()),
        subject=f"Sign in to the referral inbox of {known.organisation_name}",
        text=(
            f"{invited if is_invitation else ''}{how}\n\n"
            "If you did not expect it, you do not need to do anything."
        ),
        data={},
    )


def sign_in(context: Context, link_secret: str) -> str:
    """Use up a link; return the secret of the session that begins.

    Raises Denied when the link is unknown, used or expired.
    """
    secret, now = secrets.token_urlsafe(_SECRET_BYTES), context.clock()
    is_begun = context.ledger.members.use_link(
        digest(link_secret), digest(secret), now=now, expires_at=now + SESSION_FOR
    )
    if not is_begun:
        raise Denied("This link was used before or has expired. Ask for a new one.")
    return secret


def link_owner(context: Context, link_secret: str) -> tuple[str, str] | None:
    """Return the name and the organisation of whose link this is; None if it cannot be used."""
    return context.ledger.members.link_owner(digest(link_secret), now=context.clock())


def signed_in(context: Context, secret: str) -> SignedInMember | None:
    """Return who a session belongs to; None when it has ended."""
    return context.ledger.members.signed_in(digest(secret), now=context.clock(), idle=IDLE)


def sign_out(context: Context, secret: str) -> bool:
    """End a session; tell whether a provider had signed the person in."""
    return context.ledger.members.end_session(digest(secret), now=context.clock())


def member(context: Context, organisation: OrganisationCode, id_: UUID) -> Member:
    """Return somebody of an organisation. Raises NotFound."""
    known = context.ledger.members.members(organisation, id=id_)
    if not known:
        raise NotFound("Nobody in your organisation has this ID.")
    return known[0]


def change_rights(
    context: Context, organisation: OrganisationCode, id_: UUID, rights: Collection[MemberRight]
) -> None:
    """Give a member these rights. Raises NotFound; Conflict where nobody could administer."""
    member(context, organisation, id_)
    wanted = {MemberRight.READ, *rights}
    if not context.ledger.members.change_rights(organisation, id_, wanted):
        raise _last_administrator()


def set_mobile(context: Context, organisation: OrganisationCode, id_: UUID, text: str) -> None:
    """Keep the mobile on which a member wants text messages; an empty text ends them.

    Raises Invalid for what is no mobile of the United Kingdom.
    """
    number = "".join(text.split())
    if number and not MOBILE.fits(number):
        message = f"Enter a UK mobile number, like {MOBILE.example}."
        raise Invalid(message, faults=[Fault("/mobile", "bad-format", message)])
    plain = f"+44{number.removeprefix('+44').removeprefix('0')}" if number else None
    context.ledger.members.set_mobile(organisation, id_, plain, now=context.clock())


def disable(context: Context, organisation: OrganisationCode, id_: UUID) -> None:
    """End a member's access at once. Raises NotFound; Conflict where nobody could administer."""
    member(context, organisation, id_)
    now = context.clock()
    if not context.ledger.members.disable(organisation, id_, now=now):
        raise _last_administrator()
    context.side_log.note(Change.MEMBER_DISABLED, at=now, organisation=organisation, member=id_)


def _last_administrator() -> Conflict:
    return Conflict(
        "Nobody else in your organisation may invite colleagues. Give somebody else this right "
        "first. Nothing was changed."
    )
