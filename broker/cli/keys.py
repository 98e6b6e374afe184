"""``broker keys``: who may call the gateway."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from broker.cli.database import open_ledger
from broker.cli.exits import NOT_FOUND, Failure
from broker.cli.provision import NewKey, mint
from broker.cli.show import json_option, local, print_json, remark
from broker.cli.table import print_table
from broker.domain.codes import Scope
from broker.domain.ids import CredentialId, OrganisationCode
from broker.ledger.ledger import Ledger
from broker.ledger.rows import Credential

into_option = click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the key to this new file, for its owner only, instead of printing it.",
)


@click.group()
def keys() -> None:
    """Issue, list, rotate, revoke and expire keys. Needs BROKER_DATABASE_URL."""


@keys.command()
@click.argument("organisation")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it is good for; may be given several times.",
)
@click.option("--label", default="", help="A word to know it by.")
@click.option("--days", type=click.IntRange(min=1), help="Expires after so many days.")
@into_option
def issue(
    organisation: str, scopes: Sequence[str], label: str, days: int | None, into: Path | None
) -> None:
    """Issue a key for ORGANISATION (its code in the directory). It is shown this once.

    \b
    Example:    broker keys issue stoke-csc --scope collect --into stoke.key
    """
    now = datetime.now(UTC)
    key = mint(
        OrganisationCode(organisation),
        [Scope(scope) for scope in scopes],
        label=label,
        now=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    with open_ledger() as ledger:
        ledger.add_credential(key.credential)
    _hand_over(key, into)


@keys.command("list")
@click.option("--organisation", help="Only those of one organisation.")
@json_option
def list_(organisation: str | None, as_json: bool) -> None:
    """List the keys, without their secrets."""
    code = OrganisationCode(organisation) if organisation else None
    with open_ledger() as ledger:
        found = ledger.credentials(code)
    if as_json:
        print_json([_plain(credential) for credential in found])
        return
    heads = ("id", "organisation", "scopes", "label", "created", "expires", "revoked", "last used")
    print_table(heads, [_row(credential) for credential in found])


@keys.command()
@click.argument("id", metavar="ID")
@click.option("--overlap-hours", default=24.0, show_default=True, help="The old one's last hours.")
@into_option
def rotate(id: str, overlap_hours: float, into: Path | None) -> None:
    """Issue a successor of the key ID, which itself goes on for a while, then expires."""
    now = datetime.now(UTC)
    with open_ledger() as ledger:
        old = _known(ledger, id)
        scopes = [Scope(scope) for scope in sorted(old.scopes)]
        key = mint(old.organisation, scopes, label=old.label, now=now)
        ledger.add_credential(key.credential)
        ledger.expire(old.id, now + timedelta(hours=overlap_hours))
    remark(f"{old.id} expires {local(now + timedelta(hours=overlap_hours))}")
    _hand_over(key, into)


@keys.command()
@click.argument("id", metavar="ID")
def revoke(id: str) -> None:
    """Refuse the key ID from now on."""
    with open_ledger() as ledger:
        ledger.revoke(_known(ledger, id).id, datetime.now(UTC))
    click.echo(f"{id} is revoked")


@keys.command()
@click.argument("id", metavar="ID")
@click.option("--at", required=True, type=click.DateTime(), help="When, in UTC.")
def expire(id: str, at: datetime) -> None:
    """Let the key ID expire at a set time.

    \b
    Example:    broker keys expire 3f2a... --at 2027-03-31T23:00:00
    """
    with open_ledger() as ledger:
        ledger.expire(_known(ledger, id).id, at.replace(tzinfo=UTC))
    click.echo(f"{id} expires {local(at.replace(tzinfo=UTC))}")


def _known(ledger: Ledger, id_: str) -> Credential:
    credential = ledger.credential(CredentialId(id_))
    if credential is None:
        raise Failure(
            "there is no key with this id.",
            next_step="list them with `broker keys list`; the id is the part after rb_",
            code=NOT_FOUND,
        )
    return credential


def _hand_over(key: NewKey, into: Path | None) -> None:
    """Give the key to whoever asked, once."""
    if into is None:
        click.echo(key.text)
        remark("This is the only time that it is shown.")
        return
    with open(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key.text}\n")
    click.echo(f"{key.credential.id} is in {into}")


def _plain(credential: Credential) -> dict[str, object]:
    """Return what may be shown of a credential."""
    return {
        "id": credential.id,
        "organisation": credential.organisation,
        "scopes": sorted(credential.scopes),
        "label": credential.label,
        "created_at": credential.created_at,
        "expires_at": credential.expires_at,
        "revoked_at": credential.revoked_at,
        "last_used_at": credential.last_used_at,
    }


def _row(credential: Credential) -> Sequence[str]:
    instants = (credential.created_at, credential.expires_at, credential.revoked_at)
    return (
        credential.id,
        credential.organisation,
        " ".join(sorted(credential.scopes)),
        credential.label,
        *(local(instant) for instant in (*instants, credential.last_used_at)),
    )
