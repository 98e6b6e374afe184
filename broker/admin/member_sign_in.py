"""Members who sign in with an OpenID provider: only who was invited, and by a verified address.

Nobody is created by signing in. The account with which a member comes first stays theirs, because a
provider may give an address to somebody else later; to be invited again lets another account in.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from broker.admin.membership import SESSION_FOR
from broker.admin.sign_in import ProviderIdentity, digest
from broker.domain.ids import OrganisationCode
from broker.errors import Conflict, Denied
from broker.flow.context import Context
from broker.ledger.members import Membership

_SECRET_BYTES = 32
_ASK = "Ask the person in your organisation who looks after its referral inbox"


def memberships(context: Context, person: ProviderIdentity) -> Sequence[Membership]:
    """Return the organisations in which a person may sign in; never none.

    Raises Denied with what to do, where nobody invited their verified address.
    """
    if person.email is None:
        raise Denied(
            f"You are signed in at your provider as {person.name}, but it does not confirm an "
            "email address of yours. Ask its administrator."
        )
    known = context.ledger.members.at_address(person.email)
    if not known:
        raise Denied(
            f"You are signed in at your provider as {person.name}, but nobody has invited your "
            f"email address. {_ASK} to invite you."
        )
    allowed = [membership for membership in known if membership.with_provider]
    if not allowed:
        raise Denied(
            "Your organisation signs in with links by email. Go back and enter your email address."
        )
    return allowed


def begin_session(context: Context, member: UUID, subject: str, *, answer: str) -> str:
    """Begin the session of a member whom a provider identified; return its secret.

    ``subject`` is the key of the identity, and ``answer`` the provider's answer, which can be used
    once. Raises Denied with what to do.
    """
    secret, now = secrets.token_urlsafe(_SECRET_BYTES), context.clock()
    is_begun = context.ledger.members.begin_session(
        member,
        subject,
        digest(secret),
        answer_sha256=digest(answer),
        now=now,
        expires_at=now + SESSION_FOR,
    )
    if not is_begun:
        raise Denied(
            "You cannot sign in with this account: the sign-in was used before, or another account "
            f"uses your email address here. Start again. {_ASK} to invite you again if you still "
            "cannot sign in."
        )
    return secret


def set_sign_in(
    context: Context, organisation: OrganisationCode, *, with_provider: bool, by: str
) -> None:
    """Set how an organisation's people sign in. May be repeated.

    Sessions that have begun go on. Raises Conflict where no provider is set up: nobody could sign
    in.
    """
    if with_provider and context.settings.provider is None:
        raise Conflict("No sign-in provider is set up. Nothing was changed.")
    context.ledger.members.set_sign_in(
        organisation, with_provider=with_provider, by=by, now=context.clock()
    )
