"""``broker people``: the people who may sign in to the pages for ops, and their rights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import click

from broker.admin import sign_in
from broker.bootstrap import new_uuid7
from broker.cli.confirmation import confirm, dry_run_option, yes_option
from broker.cli.database import side_log
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.exit_codes import NOT_FOUND, Failure
from broker.cli.options import Listing, json_option
from broker.cli.output import local, print_json, remark
from broker.cli.table import print_table
from broker.domain.codes import Right
from broker.ledger.ledger import Ledger
from broker.side_log import Change

ROOT = "/ops"


@click.group(cls=Listing)
def people() -> None:
    """Let people sign in to the pages for ops. Needs BROKER_DATABASE_URL."""


@people.command()
@click.argument("name")
@click.option(
    "--rights",
    default="",
    help="Comma-separated: view, reveal, reveal-recalled, act, bulk, policy, all.",
)
@click.option("--subject", help="Their identifier at the OpenID provider (claim sub).")
@click.option("--issuer", envvar="BROKER_OIDC_ISSUER", help="The OpenID provider.")
@click.option("--url", help="Where the gateway is; BROKER_URL says so otherwise.")
@json_option
def link(
    name: str, rights: str, subject: str | None, issuer: str | None, url: str | None, as_json: bool
) -> None:
    """Make a link with which NAME signs in, once, within fifteen minutes.

    With --rights NAME is added, or gets exactly these rights. With --subject as well, NAME may sign
    in with the OpenID provider from then on.

    \b
    Example:    broker people link "Jo Example" --rights view,act
    """
    if subject and not (rights and issuer):
        raise click.UsageError("--subject needs --rights, and --issuer or BROKER_OIDC_ISSUER.")
    key = sign_in.subject_key(issuer, subject) if subject and issuer else None
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        if rights:
            sign_in.add(ledger, name, _rights(rights), now=now, new_id=new_uuid7, subject=key)
        elif not ledger.people.people(name=name):
            raise Failure(
                "no person of this name may sign in.",
                next_step=f'give rights: broker people link "{name}" --rights view',
                code=NOT_FOUND,
            )
        secret = sign_in.link(ledger, name, now=now)
    link_url = address(url or os.environ.get("BROKER_URL", "http://127.0.0.1:8080"), secret)
    if as_json:
        print_json({"name": name, "url": link_url, "expires_at": now + sign_in.LINK_FOR})
    else:
        click.echo(link_url)
        remark(f"It works once, until {local(now + sign_in.LINK_FOR)}.")


@people.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the people who may sign in."""
    with open_ledger() as ledger:
        listed = ledger.people.people()
    if as_json:
        print_json(
            [
                {
                    "name": person.name,
                    "rights": sorted(person.rights),
                    "subject": person.subject,
                    "created_at": person.created_at,
                    "disabled_at": person.disabled_at,
                }
                for person in listed
            ]
        )
        return
    rows = [
        [person.name, " ".join(sorted(person.rights)), local(person.disabled_at)]
        for person in listed
    ]
    print_table(("name", "rights", "disabled"), rows)


@people.command()
@click.argument("name")
@yes_option
@dry_run_option
@json_option
def disable(name: str, is_confirmed: bool, is_dry_run: bool, as_json: bool) -> None:
    """End the access of NAME at once, sessions and links included."""
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        effect = partial(_effect, ledger, name)
        if not confirm(effect, "Disable it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run):
            return
        if not ledger.people.disable_person(name, now=now):
            raise _nobody(name)
        side_log.note(Change.PERSON_DISABLED, at=now, person=name)
    if as_json:
        print_json({"name": name, "disabled_at": now})
    else:
        click.echo(f"{name} is signed out and can no longer sign in.")


def _effect(ledger: Ledger, name: str) -> str:
    for person in ledger.people.people():
        if person.name == name and person.disabled_at is None:
            rights = ", ".join(sorted(person.rights))
            return f"{name} ({rights}) will be signed out now and can no longer sign in."
    raise _nobody(name)


def _nobody(name: str) -> Failure:
    return Failure(
        f"no person named {name} may sign in.",
        next_step="list them with `broker people list`",
        code=NOT_FOUND,
    )


def address(url: str, secret: str) -> str:
    """Return the address of a one-time link."""
    return f"{url.rstrip('/')}{ROOT}/sign-in/{secret}"


def _rights(text: str) -> Sequence[Right]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return list(Right)
    unknown = [name for name in names if name not in set(Right)]
    if unknown:
        raise click.UsageError(f"Use some of {', '.join(Right)}, or all.")
    return [Right(name) for name in names]
