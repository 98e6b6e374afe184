"""``broker keys``: the keys with which organisations call the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click

from broker.admin import api_keys
from broker.cli.confirmation import confirm, dry_run_option, yes_option
from broker.cli.database import side_log
from broker.cli.database.key_files import in_directory, into_option, write_key
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.database.queue_keys import agency_key, exchange_user, register, signing
from broker.cli.exit_codes import CONFLICT, NOT_FOUND, Failure
from broker.cli.options import Decorator, Listing, json_option
from broker.cli.output import local, print_json, remark
from broker.cli.table import print_table
from broker.domain.codes import Scope
from broker.domain.credential import CALLS_PER_SECOND, MOST_CALLS_PER_SECOND, Credential
from broker.domain.ids import CredentialId, OrganisationCode
from broker.ledger.ledger import Ledger
from broker.side_log import Change


def _calls_option(text: str) -> Decorator:
    limit = click.IntRange(1, MOST_CALLS_PER_SECOND)
    return click.option("--calls-per-second", type=limit, metavar="N", help=text)


@click.group(cls=Listing)
def keys() -> None:
    """Issue, list, rotate, revoke and expire keys. Needs BROKER_DATABASE_URL."""


keys.add_command(signing)
keys.add_command(agency_key)
keys.add_command(register)
keys.add_command(exchange_user)


@keys.command()
@click.argument("organisation")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it allows; may be given several times.",
)
@click.option("--label", default="", help="A name to recognise it by.")
@click.option("--days", type=click.IntRange(min=1), help="Expires after so many days.")
@_calls_option(f"How often it may call each gateway; {CALLS_PER_SECOND} unless given.")
@into_option
@json_option
def issue(  # noqa: PLR0913  each is an option
    *,
    organisation: str,
    scopes: Sequence[str],
    label: str,
    days: int | None,
    calls_per_second: int | None,
    into: Path | None,
    as_json: bool,
) -> None:
    """Issue a key for ORGANISATION (its code in the directory). It is shown only once.

    \b
    Example:    broker keys issue stoke-csc --scope collect --into stoke.key
    """
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        key = api_keys.issue(
            ledger,
            in_directory(ledger, organisation),
            [Scope(scope) for scope in scopes],
            label=label,
            now=now,
            expires_at=now + timedelta(days=days) if days else None,
            calls_per_second=calls_per_second,
        )
    _hand_over(key, into, as_json=as_json)


@keys.command("list")
@click.option("--organisation", help="Only those of one organisation.")
@json_option
def list_(organisation: str | None, as_json: bool) -> None:
    """List the keys, without their secrets."""
    code = OrganisationCode(organisation) if organisation else None
    with open_ledger() as ledger:
        listed = [_plain(credential) for credential in ledger.credentials.credentials(code)]
    if as_json:
        print_json(listed)
        return
    heads = (
        *("id", "organisation", "scopes", "label", "created", "expires", "revoked", "last used"),
        "calls/s",
    )
    print_table(heads, [[_cell(value) for value in row.values()] for row in listed])


@keys.command()
@click.argument("id_", metavar="ID")
@click.option("--overlap-hours", default=24.0, show_default=True, help="The old key's last hours.")
@_calls_option("How often the new key may call each gateway; as the old one unless given.")
@into_option
@json_option
def rotate(
    *,
    id_: str,
    overlap_hours: float,
    calls_per_second: int | None,
    into: Path | None,
    as_json: bool,
) -> None:
    """Replace the key ID by a new one; the old key expires after the overlap."""
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        ends_at = now + timedelta(hours=overlap_hours)
        old = _known(ledger, id_)
        if old.revoked_at is not None:
            raise _ended(id_)
        scopes = [Scope(scope) for scope in sorted(old.scopes)]
        key = api_keys.issue(
            ledger,
            old.organisation,
            scopes,
            label=old.label,
            now=now,
            calls_per_second=calls_per_second or old.calls_per_second,
        )
        ledger.credentials.expire(old.id, ends_at)
        side_log.note(Change.KEY_ENDED, at=now, key=old.id, ends_at=ends_at.isoformat())
    remark(f"{old.id} expires {local(ends_at)}")
    _hand_over(key, into, as_json=as_json)


@keys.command()
@click.argument("id_", metavar="ID")
@yes_option
@dry_run_option
@json_option
def revoke(id_: str, is_confirmed: bool, is_dry_run: bool, as_json: bool) -> None:
    """End the key ID now."""
    with open_ledger() as ledger:
        now, key = ledger.queries.clock(), _known(ledger, id_)
        effect = partial(_effect, key)
        if not confirm(effect, "Revoke it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run):
            return
        if not ledger.credentials.revoke(key.id, now):
            raise _ended(id_)
        side_log.note(Change.KEY_ENDED, at=now, key=id_, ends_at=now.isoformat())
    _print(id_, "revoked", now, as_json=as_json)


@keys.command()
@click.argument("id_", metavar="ID")
@click.option("--at", required=True, type=click.DateTime(), help="When, in UTC.")
@json_option
def expire(id_: str, at: datetime, as_json: bool) -> None:
    """Let the key ID expire at a set time.

    \b
    Example:    broker keys expire 3f2a... --at 2027-03-31T23:00:00
    """
    instant = at.replace(tzinfo=UTC)
    with open_ledger() as ledger:
        if not ledger.credentials.expire(_known(ledger, id_).id, instant):
            raise _ended(id_)
        now = ledger.queries.clock()
        side_log.note(Change.KEY_ENDED, at=now, key=id_, ends_at=instant.isoformat())
    _print(id_, "expires", instant, as_json=as_json)


def _effect(key: Credential) -> str:
    """Say what a revocation would do. Raises Failure for a key that was revoked before."""
    if key.revoked_at is not None:
        raise _ended(key.id)
    scopes = ", ".join(sorted(key.scopes))
    return (
        f"Key {key.id} of {key.organisation} ({scopes}; {key.label or 'no label'}) will be refused "
        "within seconds. This cannot be undone."
    )


def _known(ledger: Ledger, id_: str) -> Credential:
    credential = ledger.credentials.credential(CredentialId(id_))
    if credential is None:
        raise Failure(
            "no key has this id.",
            next_step="list them with `broker keys list`; the id is the part after rb_",
            code=NOT_FOUND,
        )
    return credential


def _ended(id_: str) -> Failure:
    return Failure(
        f"{id_} was revoked already.",
        next_step="nothing was changed; issue a new key with `broker keys issue`",
        code=CONFLICT,
    )


def _hand_over(key: str, into: Path | None, *, as_json: bool) -> None:
    """Print the key, or write it to a file; it cannot be shown again."""
    id_ = api_keys.Key.parse(key).id
    if into is not None:
        write_key(into, key)
        location = {"id": id_, "file": into}
        print_json(location) if as_json else click.echo(f"{id_} is in {into}")
        return
    print_json({"id": id_, "key": key}) if as_json else click.echo(key)
    remark("This key is shown only once: store it now.")


def _print(id_: str, state: str, at: datetime, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": id_, "state": state, "at": at})
    else:
        click.echo(f"{id_} {state} {local(at)}")


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
        "calls_per_second": credential.calls_per_second or CALLS_PER_SECOND,
    }


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return local(value) if isinstance(value, datetime) else str(value or "")
