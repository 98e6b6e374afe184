"""``broker restore``: what to do after the ledger was restored from a backup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from broker.admin import restore as restores
from broker.bootstrap import Pool, open_broker, read_settings
from broker.cli.confirmation import confirm, dry_run_option, yes_option
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.exit_codes import CONFLICT, USAGE, Failure
from broker.cli.options import by_option, json_option
from broker.cli.output import local, print_json, remark
from broker.domain.epoch import Epoch
from broker.ledger.ledger import Ledger
from broker.side_log import SideEntry, UnreadableSideLog, read

_LISTS: Mapping[str, str] = {
    "recalled": "recalled again",
    "unknown": "recalled after the point, and not here: must not be accepted again",
    "uncorrected": "corrected after the point: the publisher must send the correction again",
    "ended": "access ended again",
}


@click.group()
def restore() -> None:
    """Take the ledger up again after a restore: docs/backup-and-restore.md, step by step."""


@restore.command()
@click.option(
    "--side-log",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of BROKER_SIDE_LOG; may be given several times.",
)
@click.option(
    "--restored-to",
    type=click.DateTime(),
    help="The point of the restore, in UTC; else a minute before the last event.",
)
@click.option(
    "--nothing-lost",
    is_flag=True,
    help="After pg_upgrade or a move: record the server; no cursor ends, nothing is kept back.",
)
@by_option
@json_option
def begin(
    *,
    files: Sequence[Path],
    restored_to: datetime | None,
    nothing_lost: bool,
    by: str,
    as_json: bool,
) -> None:
    """Begin the epoch of a restore and apply the side log again. Safe to repeat.

    Until `broker restore confirm` nothing of an older referral is offered; recalls and referrals
    that are accepted from now on are.

    \b
    Example:    broker restore begin --by "A. Operator" --side-log /mnt/side/broker.log
    """
    if nothing_lost:
        with open_ledger() as ledger:
            ledger.epochs.record_server()
        click.echo("The server is recorded. Every cursor goes on, and nothing is kept back.")
        return
    entries = _entries(files)
    point = restored_to.replace(tzinfo=UTC) if restored_to else None
    with open_broker(read_settings(), process="cli", pool=Pool(connections=2)) as context:
        epoch, applied = restores.begin(context, entries, by=by, restored_to=point)
        kept_back = dict(context.ledger.epochs.kept_back())
    if as_json:
        print_json({"epoch": _plain(epoch), "kept_back": kept_back, **asdict(applied)})
        return
    _print(epoch, kept_back)
    for name, title in _LISTS.items():
        for entry in getattr(applied, name):
            click.echo(f"{title}: {entry}")
    if not files:
        remark(
            "warning: without a side log, recalls and ended keys of after the point are not known: "
            "compare `broker keys list` and your publishers' records"
        )
    remark("next:  `broker restore confirm`, when publishers have sent again what is missing")


@restore.command()
@json_option
def status(as_json: bool) -> None:
    """Show the present epoch, and what is kept back."""
    with open_ledger() as ledger:
        epoch, kept_back = ledger.epochs.present(), dict(ledger.epochs.kept_back())
    if as_json:
        print_json({"epoch": _plain(epoch), "kept_back": kept_back})
    else:
        _print(epoch, kept_back)


@restore.command("confirm")
@by_option
@yes_option
@dry_run_option
@json_option
def confirm_restore(by: str, is_confirmed: bool, is_dry_run: bool, as_json: bool) -> None:
    """End the quarantine: older referrals are offered again, as they stand now."""
    with open_ledger() as ledger:
        effect = partial(_effect, ledger)
        if not confirm(effect, "Confirm it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run):
            return
        if not ledger.epochs.confirm(by=by):
            raise _nothing_waits()
        epoch = ledger.epochs.present()
    if as_json:
        print_json({"epoch": _plain(epoch), "kept_back": {}})
    else:
        click.echo("Confirmed. Every agency is offered what waits for it.")


def _effect(ledger: Ledger) -> str:
    """Say what confirming would do. Raises Failure when no restore waits for it."""
    if not ledger.epochs.present().in_quarantine:
        raise _nothing_waits()
    kept_back = sum(dict(ledger.epochs.kept_back()).values())
    return f"{kept_back} deliveries that are kept back will be offered to their agencies again."


def _nothing_waits() -> Failure:
    return Failure(
        "no restore waits to be confirmed.",
        next_step="see `broker restore status`",
        code=CONFLICT,
    )


def _entries(files: Sequence[Path]) -> list[SideEntry]:
    try:
        return read(files)
    except (OSError, UnreadableSideLog) as error:
        raise Failure(
            f"the side log cannot be read: {error}.",
            next_step="name the files that BROKER_SIDE_LOG named; nothing was changed",
            code=USAGE,
        ) from None


def _plain(epoch: Epoch) -> dict[str, Any]:
    return {**asdict(epoch), "in_quarantine": epoch.in_quarantine}


def _print(epoch: Epoch, kept_back: Mapping[Any, int]) -> None:
    click.echo(f"Epoch {epoch.id} since {local(epoch.began_at)}: {epoch.reason}, {epoch.began_by}")
    if epoch.is_restore:
        click.echo(f"What was accepted after {local(epoch.restored_to)} may be missing.")
    if epoch.confirmed_at:
        click.echo(f"Confirmed {local(epoch.confirmed_at)} by {epoch.confirmed_by}.")
    if epoch.in_quarantine:
        click.echo("In quarantine: nothing of an older referral is offered.")
    for agency, count in kept_back.items():
        click.echo(f"  {agency}: {count} kept back")
