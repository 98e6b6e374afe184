"""``broker status``: who has a referral, why, and by when they must act."""

from __future__ import annotations

import click
from referral_broker_client import Publisher

from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import json_option
from broker.cli.output import print_json
from broker.cli.referral_view import deliveries_view
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
        shown = publisher.status(referral)
    if as_json:
        print_json(shown.raw)
    else:
        console().print(deliveries_view(shown.raw))
