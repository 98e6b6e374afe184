"""``broker timeline``: everything that happened to a referral, in order."""

from __future__ import annotations

import click
from referral_broker_client import Publisher

from broker.cli.http.access import Gateway, with_gateway
from broker.cli.output import json_option, print_json
from broker.cli.referral_view import story
from broker.cli.table import console


@click.command()
@click.argument("referral")
@json_option
@with_gateway
def timeline(referral: str, as_json: bool, gateway: Gateway) -> None:
    """Tell the story of the referral with this id or reference.

    \b
    Example:    broker timeline OCC/2026/000123 --json
    """
    with Publisher(gateway.url, gateway.key) as publisher:
        found = publisher.status(referral)
        happened = publisher.timeline(found.id)
    if as_json:
        print_json(happened)
    else:
        console().print(story(found.raw, happened["events"]))
