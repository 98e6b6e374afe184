"""``broker keys signing``, ``agency-key`` and ``register``: the keys of queues.

A private key is made into a file of its owner's. The ledger is given the public half alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import click

from broker.admin import signing_keys
from broker.bootstrap import read_settings
from broker.cli.confirmation import confirm, dry_run_option, yes_option
from broker.cli.database import side_log
from broker.cli.database.key_files import in_directory, write_key
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.exit_codes import CONFLICT, INVALID, NOT_FOUND, Failure
from broker.cli.options import Listing, json_option
from broker.cli.output import local, print_json, remark
from broker.cli.table import print_table
from broker.domain.ids import OrganisationCode
from broker.engine_addresses import is_valkey
from broker.errors import Conflict, Invalid
from broker.ledger.ledger import Ledger
from broker.settings import Settings
from broker.side_log import Change
from broker.transport import exchange_users
from broker.transport.encryption import EncryptionKey, new_encryption_key
from broker.transport.queues import AgencyQueues
from broker.transport.signatures import PublicKey, new_private_key, public_pem

file_option = click.option(
    "--into",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the private key to this new file, for its owner only.",
)
ANY_ID = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""A thumbprint may begin with a hyphen, also with ``-h``, and is no option then."""
RESTART = "name the file in BROKER_SIGNING_KEY_FILE, then restart the workers"


class TakesAnyId(click.Command):
    """A command whose id may begin with a hyphen: ``-h`` asks for help only if it stands alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        return super().parse_args(ctx, ["--help" if word == "-h" else word for word in args])


@click.group(cls=Listing)
def signing() -> None:
    """Keep the broker's own keys, which sign the copies in queues."""


@signing.command("new")
@file_option
@json_option
def new(into: Path, as_json: bool) -> None:
    """Make a private key in a file, and publish its public half at GET /v1/keys.

    \b
    Example:    broker keys signing new --into secrets/signing_key
    """
    with open_ledger() as ledger:
        pem = _made(into)
        public = signing_keys.publish_signing_key(ledger, pem, now=ledger.queries.clock())
    _tell(public, into, as_json=as_json)
    remark(f"next:  {RESTART}")


@signing.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def publish(file: Path, as_json: bool) -> None:
    """Publish the public half of the private key in FILE, which was made elsewhere.

    \b
    Example:    broker keys signing publish /run/secrets/signing_key
    """
    pem = file.read_text(encoding="utf-8", errors="replace")
    with open_ledger() as ledger, _advised(file):
        public = signing_keys.publish_signing_key(ledger, pem, now=ledger.queries.clock())
    _tell(public, file, as_json=as_json)


@signing.command("rotate")
@click.option(
    "--overlap-hours",
    default=168.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="How long agencies still accept copies that were signed with the old key.",
)
@file_option
@json_option
def rotate(into: Path, overlap_hours: float, as_json: bool) -> None:
    """Make the next private key in a file; the keys in use end after the overlap."""
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        pem = _made(into)
        public, count = signing_keys.replace_signing_keys(
            ledger, pem, overlap=timedelta(hours=overlap_hours), now=now
        )
    _tell(public, into, as_json=as_json)
    remark(f"{count} older keys end by {local(now + timedelta(hours=overlap_hours))}")
    remark(f"next:  {RESTART}")


@signing.command("list")
@json_option
def list_signing(as_json: bool) -> None:
    """List the broker's own keys; none of them is private."""
    with open_ledger() as ledger:
        stored = ledger.queue_keys.signing_keys()
    if as_json:
        rows = [
            {"id": key.id, "created_at": key.created_at, "retired_at": key.retired_at}
            for key in stored
        ]
        print_json(rows)
        return
    print_table(
        ("id", "created", "retired"),
        [[key.id, local(key.created_at), _cell(key.retired_at)] for key in stored],
    )


@signing.command("retire", cls=TakesAnyId, context_settings=ANY_ID)
@click.argument("id_", metavar="ID")
@yes_option
@dry_run_option
@json_option
def retire(id_: str, is_confirmed: bool, is_dry_run: bool, as_json: bool) -> None:
    """End the key ID now: copies that it signed are dropped, and sent again under the next one."""
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        effect = partial(_effect_of_retiring, ledger, id_, now)
        if not confirm(effect, "Retire it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run):
            return
        if not ledger.queue_keys.retire_signing_keys([id_], now):
            raise _unknown(id_, "broker keys signing list")
    if as_json:
        print_json({"id": id_, "retired_at": now})
    else:
        click.echo(f"{id_} retired {local(now)}")


def _effect_of_retiring(ledger: Ledger, id_: str, now: datetime) -> str:
    for key in ledger.queue_keys.signing_keys():
        if key.id == id_ and (key.retired_at is None or key.retired_at > now):
            return "Copies that it signed will be dropped, and sent again under the next key."
    raise _unknown(id_, "broker keys signing list")


@click.group("agency-key", cls=Listing)
def agency_key() -> None:
    """Keep the agencies' keys: they sign receipts, and copies are encrypted to them."""


@agency_key.command("new")
@file_option
@click.option(
    "--public-key",
    "public_file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the public half to this new file, for the broker.",
)
@click.option(
    "--for",
    "use",
    type=click.Choice([signing_keys.FOR_RECEIPTS, signing_keys.FOR_COPIES]),
    default=signing_keys.FOR_RECEIPTS,
    show_default=True,
    help="Sign receipts with it (Ed25519), or have copies encrypted to it (X25519).",
)
@json_option
def new_agency_key(into: Path, public_file: Path, use: str, as_json: bool) -> None:
    """Make an agency's private key; needs no ledger, and is run at the agency.

    \b
    Example:    broker keys agency-key new --into stoke.pem --public-key stoke.pub
    """
    if use == signing_keys.FOR_COPIES:
        pem = new_encryption_key()
        key = EncryptionKey.from_pem(pem)
        id_, public = key.id, key.pem
    else:
        pem = new_private_key()
        id_, public = PublicKey.from_pem(pem).id, public_pem(pem)
    write_key(into, pem.strip())
    with public_file.open("x", encoding="utf-8") as opened:
        opened.write(public)
    if as_json:
        print_json({"id": id_, "file": into, "public_key": public_file})
    else:
        click.echo(f"{id_} is in {into}")
    remark(f"next:  send {public_file} to the broker; the private key stays with you")


@agency_key.command("list")
@click.option("--organisation", help="Only those of one organisation.")
@json_option
def list_agency_keys(organisation: str | None, as_json: bool) -> None:
    """List the registered public keys."""
    code = OrganisationCode(organisation) if organisation else None
    with open_ledger() as ledger:
        stored = signing_keys.agency_keys(ledger, code)
    if as_json:
        print_json([asdict(key) for key in stored])
        return
    print_table(
        ("id", "organisation", "for", "registered", "revoked"),
        [
            [key.id, key.organisation, key.use, local(key.created_at), _cell(key.revoked_at)]
            for key in stored
        ],
    )


@agency_key.command("revoke", cls=TakesAnyId, context_settings=ANY_ID)
@click.argument("id_", metavar="ID")
@yes_option
@dry_run_option
@json_option
def revoke_agency_key(id_: str, is_confirmed: bool, is_dry_run: bool, as_json: bool) -> None:
    """End the agency's key ID now: its receipts change nothing, no copy is encrypted to it."""
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        effect = partial(_effect_of_revoking, ledger, id_)
        if not confirm(effect, "Revoke it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run):
            return
        if not signing_keys.revoke(ledger, id_, now=now):
            raise _unknown(id_, "broker keys agency-key list")
        side_log.note(Change.AGENCY_KEY_ENDED, at=now, key=id_)
    if as_json:
        print_json({"id": id_, "revoked_at": now})
    else:
        click.echo(f"{id_} revoked {local(now)}")


def _effect_of_revoking(ledger: Ledger, id_: str) -> str:
    for key in signing_keys.agency_keys(ledger, None):
        if key.id == id_ and key.revoked_at is None:
            return (
                f"The key of {key.organisation} for {key.use} will end now. Receipts that it signs "
                "change nothing, and no copy is encrypted to it."
            )
    raise _unknown(id_, "broker keys agency-key list")


@click.command("register")
@click.argument("agency")
@click.option(
    "--public-key",
    "public_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The agency's public key, in PEM.",
)
@json_option
def register(agency: str, public_file: Path, as_json: bool) -> None:
    """Register AGENCY's public key: what it is for follows from its kind.

    An Ed25519 key verifies its receipts. To an X25519 or P-256 key its copies are encrypted; of
    several in use the newest is taken, so that the agency can read with the old one meanwhile.

    \b
    Example:    broker keys register stoke-csc --public-key stoke.pub
    """
    pem = public_file.read_text(encoding="utf-8", errors="replace")
    with open_ledger() as ledger, _advised(public_file):
        now = ledger.queries.clock()
        code = in_directory(ledger, agency)
        id_, use = signing_keys.register_any(ledger, code, pem, now=now)
    if as_json:
        print_json({"id": id_, "organisation": agency, "use": use})
    else:
        click.echo(f"{id_} is registered for {agency}, for its {use}")


@click.command("exchange-user")
@click.argument("agency")
@click.option(
    "--into",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the agency's address of its queue to this new file.",
)
@click.option(
    "--show", is_flag=True, help="Make no user; show the command that makes it at a Valkey."
)
@json_option
def exchange_user(agency: str, into: Path, show: bool, as_json: bool) -> None:
    """Give AGENCY a user of the exchange: it reads its own queue and writes receipts.

    The password is in the file alone, and in no command that is shown. At a RabbitMQ the queue is
    made, and the commands for its user are shown. Needs BROKER_DATABASE_URL and
    BROKER_EXCHANGE_URL.

    \b
    Example:    broker keys exchange-user stoke-csc --into stoke.url
    """
    settings, password = read_settings(), secrets.token_urlsafe(24)
    url = settings.exchange_url
    with open_ledger() as ledger:
        code = in_directory(ledger, agency)
    lines: Sequence[str] = ()
    if not is_valkey(url):
        _prepare(settings, code)
        lines = exchange_users.rabbitmq_lines(code, into)
    elif show:
        lines = [exchange_users.acl_line(code, password)]
    write_key(into, exchange_users.address_for(url, code, password))
    if not lines and not exchange_users.add_user(url, code, password):
        remark("The exchange has no file of users (aclfile): make this one again when it restarts.")
    if as_json:
        print_json({"organisation": code, "file": into, "lines": list(lines)})
    for line in () if as_json else lines:
        click.echo(line)
    remark(f"The address for {code} is in {into}")


def _prepare(settings: Settings, code: OrganisationCode) -> None:
    """Make an agency's queue at a RabbitMQ, since its user may make none."""
    queues = AgencyQueues(settings.exchange_url, queue_type=settings.exchange_queue_type)
    try:
        queues.prepare(code)
    finally:
        queues.close()


@contextmanager
def _advised(file: Path) -> Iterator[None]:
    try:
        yield
    except Invalid as error:
        raise Failure(error.message, next_step=f"look at what {file} holds", code=INVALID) from None
    except Conflict as error:
        raise Failure(
            error.message, next_step="broker keys agency-key list", code=CONFLICT
        ) from None


def _made(into: Path) -> str:
    """Make a private key in a new file, and return it."""
    pem = new_private_key()
    write_key(into, pem.strip())
    return pem


def _tell(public: PublicKey, file: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": public.id, "file": file})
    else:
        click.echo(f"{public.id} is in {file}")


def _unknown(id_: str, command: str) -> Failure:
    return Failure(
        f"{id_} is no key that could be ended.", next_step=f"`{command}`", code=NOT_FOUND
    )


def _cell(at: datetime | None) -> str:
    return local(at) if at else ""
