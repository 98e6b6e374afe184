"""``broker status``: who has a referral, why, and by when they must act."""

from __future__ import annotations

import click

from broker.cli.access import Gateway, with_gateway
from broker.cli.show import json_option, print_json
from broker.cli.story import legs
from broker.cli.table import console
from broker.client import Publisher


@click.command()
@click.argument("referral")
@json_option
@with_gateway
def status(referral: str, as_json: bool, gateway: Gateway) -> None:
    """Show the referral with this id or reference.

    \b
    Example:    broker status OCC/2026/000123
    """
    with Publisher(gateway.url, gateway.key) as publisher:
        found = publisher.status(referral)
    if as_json:
        print_json(found.raw)
    else:
        console().print(legs(found.raw))
