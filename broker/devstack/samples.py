"""``broker samples``: invented referrals to try things with."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from broker.cli.options import Listing, json_option
from broker.cli.output import print_json, print_json_line
from broker.devstack.sample_referrals import SAMPLES, shipped
from broker.devstack.sample_referrals import generate as generate_referrals


@click.group(cls=Listing)
def samples() -> None:
    """Generate and list invented referrals. No real person, address or number is in them."""


@samples.command()
@click.option("--seed", default=1, show_default=True, help="The same seed, the same referrals.")
@click.option("--count", default=10, show_default=True, type=click.IntRange(min=1))
def generate(seed: int, count: int) -> None:
    """Print COUNT invented referrals as JSON, one a line.

    \b
    Example:    broker samples generate --seed 7 --count 500 | broker publish - --bulk
    """
    for document in generate_referrals(seed, count, now=datetime.now(UTC)):
        print_json_line(document)


@samples.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the shipped samples: one for each acceptance case, and a few more."""
    files = sorted(SAMPLES.glob("*.json"))
    if as_json:
        print_json([{"name": file.stem, "file": file} for file in files])
        return
    for file in files:
        click.echo(f"{file.stem}\t{file}")


@samples.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the shipped sample NAME as JSON, moved to the present by whole weeks.

    \b
    Example:    broker samples show first-referral | broker publish - --wait
    """
    documents = dict(shipped(now=datetime.now(UTC)))
    if name not in documents:
        raise click.UsageError(f"There is no sample {name}: `broker samples list` names them.")
    print_json(documents[name])
