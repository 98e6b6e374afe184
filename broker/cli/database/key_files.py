"""What the commands of ``broker keys`` share: files of keys, and whom they are for."""

from __future__ import annotations

import os
from pathlib import Path

import click

from broker.channels.registry import CHANNELS
from broker.cli.exit_codes import NOT_FOUND, Failure
from broker.domain.ids import OrganisationCode
from broker.flow.policy_cache import PolicyCache
from broker.ledger.ledger import Ledger

into_option = click.option(
    "--into",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the key to this new file, for its owner only, instead of printing it.",
)


def in_directory(ledger: Ledger, code: str) -> OrganisationCode:
    """Return the code of an organisation of the directory in force; fail for any other."""
    known = {
        organisation.code
        for organisation in PolicyCache(ledger, CHANNELS.forms).latest().directory.organisations
    }
    if code not in known:
        raise Failure(
            "the directory in force has no organisation with this code.",
            next_step="list them with `broker directory show`",
            code=NOT_FOUND,
        )
    return OrganisationCode(code)


def write_key(file: Path, key: str) -> None:
    """Write a key to a new file that its owner alone can read."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(f"{key}\n")
