"""``broker members``: the people of organisations who may use the inbox."""

from __future__ import annotations

import os
from datetime import datetime
from uuid import UUID

import click

from broker.admin import membership
from broker.admin.membership import Invited
from broker.bootstrap import new_uuid7
from broker.cli.confirmation import confirm, dry_run_option, yes_option
from broker.cli.database import side_log
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.exit_codes import NOT_FOUND, Failure
from broker.cli.options import Listing, json_option
from broker.cli.output import local, print_json, remark
from broker.cli.table import print_table
from broker.domain.codes import MemberRight
from broker.domain.ids import OrganisationCode
from broker.errors import Invalid
from broker.ledger.ledger import Ledger
from broker.ledger.members import Member
from broker.side_log import Change

PROVIDER = "provider"
WAYS = ("links", PROVIDER)
"""How an organisation's people may sign in."""


@click.group(cls=Listing)
def members() -> None:
    """Let people of organisations use the inbox. Needs BROKER_DATABASE_URL."""


@members.command()
@click.argument("organisation")
@click.argument("email")
@click.option("--name", help="The person's name; adds them, or gives them these rights.")
@click.option("--rights", default="answer,administer", show_default=True, help="Besides reading.")
@click.option("--url", help="Where the gateway is; BROKER_URL says so otherwise.")
@json_option
def link(
    organisation: str, email: str, name: str | None, rights: str, url: str | None, as_json: bool
) -> None:
    """Make a link with which EMAIL signs in to the inbox of ORGANISATION, once, within 15 minutes.

    With --name the person is added. From then on they look after the inbox themselves, and invite
    their colleagues.

    \b
    Example:    broker members link stoke-csc jo@example.org --name "Jo Example"
    """
    code, base = OrganisationCode(organisation), url or os.environ.get("BROKER_URL", "")
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        _check_takes_links(ledger, code)  # before anybody is added: what is refused changes nothing
        if name:
            _check_organisation(ledger, code)
            try:
                invited = Invited(name, email, _rights(rights))
                membership.add(ledger, code, invited, by="cli", now=now, new_id=new_uuid7)
            except Invalid as error:
                raise click.UsageError(error.faults[0].message) from None
        member = _at(ledger, code, email)
        address = base or "http://127.0.0.1:8080"
        link_url = membership.new_link(ledger, member.id, url=address, now=now)
    if as_json:
        ends_at = now + membership.LINK_FOR
        print_json({"name": member.name, "url": link_url, "expires_at": ends_at})
    else:
        click.echo(link_url)
        remark(f"It works once, until {local(now + membership.LINK_FOR)}.")


@members.command("sign-in")
@click.argument("organisation")
@click.argument("way", type=click.Choice(WAYS))
@click.option("--by", required=True, help="The person who decides it.")
@json_option
def sign_in(organisation: str, way: str, by: str, as_json: bool) -> None:
    """Set how people sign in to the inbox of ORGANISATION: with links, or with the provider alone.

    With the provider only people who were invited get in, by a verified email address. Use links
    again where nobody can sign in.

    \b
    Example:    broker members sign-in stoke-csc provider --by "Jo Example"
    """
    code = OrganisationCode(organisation)
    with open_ledger() as ledger:
        _check_organisation(ledger, code)
        now, with_provider = ledger.queries.clock(), way == PROVIDER
        actor = f"person:{by}"
        ledger.members.set_sign_in(code, with_provider=with_provider, by=actor, now=now)
    if as_json:
        print_json({"organisation": code, "sign_in": way})
    elif with_provider:
        click.echo(f"People of {code} sign in with the provider. Links no longer work.")
        remark("next:  broker doctor says whether a provider is set up")
    else:
        click.echo(f"People of {code} sign in with links.")


@members.command("list")
@click.argument("organisation")
@json_option
def list_(organisation: str, as_json: bool) -> None:
    """List the people of ORGANISATION who may use its inbox."""
    with open_ledger() as ledger:
        code = OrganisationCode(organisation)
        _check_organisation(ledger, code)
        listed = ledger.members.members(code)
    if as_json:
        print_json([_in_codes(member) for member in listed])
        return
    rows = [
        [
            member.name,
            member.email,
            " ".join(sorted(member.rights)),
            local(member.joined_at),
            local(member.disabled_at),
        ]
        for member in listed
    ]
    print_table(("name", "email", "rights", "signed in", "disabled"), rows)


@members.command()
@click.argument("organisation")
@click.argument("email")
@yes_option
@dry_run_option
@json_option
def disable(
    organisation: str, email: str, is_confirmed: bool, is_dry_run: bool, as_json: bool
) -> None:
    """End the access of EMAIL to the inbox of ORGANISATION at once."""
    with open_ledger() as ledger:
        code, now = OrganisationCode(organisation), ledger.queries.clock()
        member = _at(ledger, code, email)
        # First what may refuse it: nobody is promised, or asked about, what cannot be done.
        _disable(ledger.rehearsal(), member, code, now)
        effect = f"{member.name} will be signed out of the inbox of {code} now."
        if not confirm(
            lambda: effect, "Disable it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run
        ):
            return
        _disable(ledger, member, code, now)
        ids: dict[str, UUID | str] = {"organisation": code, "member": member.id}
        side_log.note(Change.MEMBER_DISABLED, at=now, **ids)
    if as_json:
        print_json({"name": member.name, "email": member.email, "disabled_at": now})
    else:
        click.echo(f"{member.name} is signed out and can no longer sign in.")


def _disable(ledger: Ledger, member: Member, organisation: OrganisationCode, now: datetime) -> None:
    """End a member's access. Raises Failure where nobody would look after the inbox."""
    if not ledger.members.disable(organisation, member.id, now=now):
        raise Failure(
            f"{member.name} is the last person who looks after this inbox.",
            next_step="let somebody else look after it first: "
            f"broker members link {organisation} ADDRESS --name NAME",
        )


def _check_takes_links(ledger: Ledger, code: OrganisationCode) -> None:
    if ledger.members.sign_in_of(code):
        raise Failure(
            f"people of {code} sign in with the provider, so a link would not be taken.",
            next_step=f"to use links again: broker members sign-in {code} links --by NAME",
        )


def _at(ledger: Ledger, organisation: OrganisationCode, email: str) -> Member:
    wanted = email.strip().lower()
    for member in ledger.members.members(organisation):
        if member.email.lower() == wanted and member.disabled_at is None:
            return member
    raise Failure(
        f"nobody with this address may use the inbox of {organisation}.",
        next_step=f'add them: broker members link {organisation} {email} --name "Their Name"',
        code=NOT_FOUND,
    )


def _check_organisation(ledger: Ledger, code: OrganisationCode) -> None:
    if code not in ledger.monitoring.organisation_status():
        raise Failure(
            f"no organisation has the code {code}.",
            next_step="list them with `broker directory show`",
            code=NOT_FOUND,
        )


def _in_codes(member: Member) -> dict[str, object]:
    return {
        "name": member.name,
        "email": member.email,
        "rights": sorted(member.rights),
        "invited_at": member.invited_at,
        "joined_at": member.joined_at,
        "disabled_at": member.disabled_at,
    }


def _rights(text: str) -> list[MemberRight]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(MemberRight)]
    if unknown:
        raise click.UsageError(f"Use some of {', '.join(MemberRight)}.")
    return [MemberRight(name) for name in names]
