"""``broker tasks``: what a person must settle while the rest of a referral goes on."""

from __future__ import annotations

from uuid import UUID

import click
from referral_broker_client.ops import Ops

from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import Listing, broker_id, json_option
from broker.cli.output import local, print_json
from broker.cli.table import print_table


@click.group(cls=Listing)
def tasks() -> None:
    """List the tasks that a person must settle, and settle them. Needs a key for ops."""


@tasks.command("list")
@json_option
@with_gateway
def list_(as_json: bool, gateway: Gateway) -> None:
    """List the open tasks, soonest due first, with what to do about each."""
    with Ops(gateway.url, gateway.key) as ops:
        open_tasks = ops.attention()["task"]
    if as_json:
        print_json({"task": open_tasks})
        return
    if not open_tasks:
        click.echo("There is no open task.")
        return
    rows = [
        [
            task["id"],
            local(task["due_at"]),
            task["reference"] or "",
            task["publisher"],
            task["code"],
            task["action"],
        ]
        for task in open_tasks
    ]
    print_table(["task", "due", "reference", "publisher", "code", "what to do"], rows)


@tasks.command()
@click.argument("task", type=broker_id)
@click.option("--reason", required=True, help="What was done: others will read it.")
@click.option("--by", help="The person who did it.")
@json_option
@with_gateway
def settle(task: UUID, reason: str, by: str | None, as_json: bool, gateway: Gateway) -> None:
    """Settle a TASK that you have dealt with. Its escalation ends.

    \b
    Example:    broker tasks settle 0193... --reason "Told the school by telephone"
    """
    with Ops(gateway.url, gateway.key) as ops:
        result = ops.settle_task(task, reason, by=by)
    if as_json:
        print_json(result)
    else:
        click.echo(f"settled: {result['id']}")
