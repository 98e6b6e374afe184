"""``broker reconcile``: which occurrences of a day have no referral."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TextIO
from zoneinfo import ZoneInfo

import click
from referral_broker_client import Publisher

from broker.cli.http.access import Gateway, with_gateway
from broker.cli.output import json_option, print_json, remark

_LONDON = ZoneInfo("Europe/London")


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day that the list is of, such as 2026-12-18; yesterday unless told.",
)
@json_option
@with_gateway
def reconcile(file: TextIO, day: datetime | None, as_json: bool, gateway: Gateway) -> None:
    """Say which references in FILE ("-" is standard input), one a line, have no referral.

    Give the day's occurrences that concern a child. Safe to repeat: the last list of a day counts.

    \b
    Example:    broker reconcile occurrences.txt --day 2026-12-18
    """
    references = [line.strip() for line in file if line.strip()]
    of = day.date() if day else datetime.now(UTC).astimezone(_LONDON).date() - timedelta(days=1)
    with Publisher(gateway.url, gateway.key) as publisher:
        done = publisher.reconcile(of, references)
    if as_json:
        print_json(done.raw)
        return
    for reference in done.missing:
        click.echo(f"missing\t{reference}")
    for reference in done.rejected:
        click.echo(f"rejected\t{reference}")
    remark(f"{done.day}: {done.listed} listed, {done.referred} have a referral")
