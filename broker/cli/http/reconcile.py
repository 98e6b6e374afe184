"""``broker reconcile``: which occurrences of a day have no referral."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TextIO

import click
from referral_broker_client import Publisher

from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import json_option
from broker.cli.output import LOCAL, print_json, remark


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of the list, such as 2026-12-18; yesterday by default.",
)
@json_option
@with_gateway
def reconcile(file: TextIO, day: datetime | None, as_json: bool, gateway: Gateway) -> None:
    """List which references in FILE ("-" is standard input), one a line, have no referral.

    Give the day's occurrences that concern a child. Safe to repeat: the last list of a day counts.

    \b
    Example:    broker reconcile occurrences.txt --day 2026-12-18
    """
    references = [line.strip() for line in file if line.strip()]
    list_day = day.date() if day else datetime.now(UTC).astimezone(LOCAL).date() - timedelta(days=1)
    with Publisher(gateway.url, gateway.key) as publisher:
        result = publisher.reconcile(list_day, references)
    if as_json:
        print_json(result.raw)
        return
    for reference in result.missing:
        click.echo(f"missing\t{reference}")
    for reference in result.rejected:
        click.echo(f"rejected\t{reference}")
    remark(f"{result.day}: {result.listed} listed, {result.referred} have a referral")
