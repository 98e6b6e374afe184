"""``broker samples``: invented referrals to try things with."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from broker.cli.show import print_json_line
from broker.samples import generate as invent


@click.group()
def samples() -> None:
    """Generate invented referrals. No real person, address or number is in them."""


@samples.command()
@click.option("--seed", default=1, show_default=True, help="The same seed, the same referrals.")
@click.option("--count", default=10, show_default=True, type=click.IntRange(min=1))
def generate(seed: int, count: int) -> None:
    """Print COUNT invented referrals as JSON, one a line.

    \b
    Example:    broker samples generate --seed 7 --count 500 | broker publish - --bulk
    """
    for document in invent(seed, count, now=datetime.now(UTC)):
        print_json_line(document)
