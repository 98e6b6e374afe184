"""``broker migrate``: bring the ledger's tables up to date."""

from __future__ import annotations

import click

from broker.cli.show import json_option


@click.command()
@click.option("--status", "only_status", is_flag=True, help="Only say what would be done.")
@json_option
def migrate(only_status: bool, as_json: bool) -> None:
    """Bring the ledger's tables up to date. Safe to repeat, and to run from several places.

    \b
    Example:    broker migrate --status --json
    """
