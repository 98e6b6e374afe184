"""``broker timeline``: everything that happened to a referral, in order."""

from __future__ import annotations

import click
from referral_broker_client import Publisher

from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import json_option
from broker.cli.output import print_json
from broker.cli.referral_view import timeline_view
from broker.cli.table import console


@click.command()
@click.argument("referral")
@json_option
@with_gateway
def timeline(referral: str, as_json: bool, gateway: Gateway) -> None:
    """Show everything that happened to the referral with this id or reference.

    \b
    Example:    broker timeline OCC/2026/000123 --json
    """
    with Publisher(gateway.url, gateway.key) as publisher:
        status = publisher.status(referral)
        history = publisher.timeline(status.id)
    if as_json:
        print_json(history)
    else:
        console().print(timeline_view(status.raw, history["events"]))
