"""``broker migrate``: brings the ledger's tables up to date."""

from __future__ import annotations

import click

from broker.cli.database.ledger_connection import database_url, roles_of_site
from broker.cli.options import json_option
from broker.cli.output import print_json, remark
from broker.ledger import migrate as migrations


@click.command()
@click.option("--status", "only_status", is_flag=True, help="Only list what would be done.")
@json_option
def migrate(only_status: bool, as_json: bool) -> None:
    """Bring the ledger's tables up to date, as their owner, while the broker runs.

    Safe to repeat, and to run from several places. The roles of application and reader get their
    rights. What was applied stays applied when it does not get through.

    \b
    Example:    broker migrate --status
    """
    dsn = database_url()
    manner = migrations.Manner(roles=roles_of_site(), say=remark)
    applied = [] if only_status else migrations.migrate(dsn, manner=manner)
    waiting = [m.name for m in migrations.status(dsn) if not m.applied]
    if as_json:
        print_json({"applied": applied, "waiting": waiting})
        return
    for name in applied:
        click.echo(f"applied  {name}")
    for name in waiting:
        click.echo(f"waiting  {name}")
    if not applied and not waiting:
        click.echo("The ledger is up to date.")
