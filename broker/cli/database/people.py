"""``broker people``: who may sign in to the pages for ops, and what they may do there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from broker.admin import sign_in as flow
from broker.bootstrap import new_uuid7
from broker.cli.database.connection import open_ledger
from broker.cli.exit_codes import NOT_FOUND, Failure
from broker.cli.output import json_option, local, print_json, remark
from broker.cli.table import print_table
from broker.domain.codes import Right

ROOT = "/ops"


@click.group()
def people() -> None:
    """Let people sign in to the pages for ops. Needs BROKER_DATABASE_URL."""


@people.command()
@click.argument("name")
@click.option("--rights", default="", help="Comma-separated: view, reveal, act, bulk, policy, all.")
@click.option("--subject", help="What the OpenID provider knows them by, the claim sub.")
@click.option("--issuer", envvar="BROKER_OIDC_ISSUER", help="That provider; else the one set.")
@click.option("--url", help="Where the gateway is; BROKER_URL says so otherwise.")
@json_option
def link(
    name: str, rights: str, subject: str | None, issuer: str | None, url: str | None, as_json: bool
) -> None:
    """Make a link for NAME to sign in by, good once and for fifteen minutes.

    With --rights somebody new is made known, or somebody known gets exactly these rights. With
    --subject, too, they may sign in with the OpenID provider from then on.

    \b
    Example:    broker people link "Jo Example" --rights view,act
    """
    if subject and not (rights and issuer):
        raise click.UsageError("--subject needs --rights, and --issuer or BROKER_OIDC_ISSUER.")
    now = datetime.now(UTC)
    key = flow.subject_key(issuer, subject) if subject and issuer else None
    with open_ledger() as ledger:
        if rights:
            flow.add(ledger, name, _rights(rights), now=now, new_id=new_uuid7, subject=key)
        elif not ledger.people.people(name=name):
            raise Failure(
                "nobody of this name may sign in.",
                next_step=f'give rights: broker people link "{name}" --rights view',
                code=NOT_FOUND,
            )
        secret = flow.link(ledger, name, now=now)
    where = address(url or os.environ.get("BROKER_URL", "http://127.0.0.1:8080"), secret)
    if as_json:
        print_json({"name": name, "url": where, "expires_at": now + flow.LINK_FOR})
    else:
        click.echo(where)
        remark(f"Good once, until {local(now + flow.LINK_FOR)}.")


@people.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List who may sign in."""
    with open_ledger() as ledger:
        found = ledger.people.people()
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "rights": sorted(one.rights),
                    "subject": one.subject,
                    "created_at": one.created_at,
                    "disabled_at": one.disabled_at,
                }
                for one in found
            ]
        )
        return
    rows = [[one.name, " ".join(sorted(one.rights)), local(one.disabled_at)] for one in found]
    print_table(("name", "rights", "disabled"), rows)


@people.command()
@click.argument("name")
def disable(name: str) -> None:
    """End the access of NAME at once, sessions and links included."""
    with open_ledger() as ledger:
        if not ledger.people.disable_person(name, now=datetime.now(UTC)):
            raise Failure(
                f"nobody named {name} may sign in.",
                next_step="see who may with `broker people list`",
                code=NOT_FOUND,
            )
    click.echo(f"{name} is signed out and stays out.")


def address(url: str, secret: str) -> str:
    """Return the address of a one-time link."""
    return f"{url.rstrip('/')}{ROOT}/sign-in/{secret}"


def _rights(text: str) -> Sequence[Right]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if words == ["all"]:
        return list(Right)
    unknown = [word for word in words if word not in set(Right)]
    if unknown:
        raise click.UsageError(f"Use some of {', '.join(Right)}, or all.")
    return [Right(word) for word in words]
