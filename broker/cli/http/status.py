"""``broker status``: who has a referral, why, and by when they must act."""

from __future__ import annotations

import click
from referral_broker_client import Publisher

from broker.cli.http.access import Gateway, with_gateway
from broker.cli.output import json_option, print_json
from broker.cli.referral_view import legs
from broker.cli.table import console


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
