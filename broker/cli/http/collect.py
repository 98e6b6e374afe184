"""``broker collect``: collects an agency's deliveries."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import click
from referral_broker_client import Consumer, Delivery

from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.output import local, print_json, print_json_line, print_styled, remark

LARGEST_BATCH = 100
FOLLOW_SECONDS = 20.0


@click.command()
@click.option("--max", "most", default=20, show_default=True, type=click.IntRange(min=1))
@click.option("--follow", is_flag=True, help="Wait for further deliveries, until Ctrl-C.")
@click.option("--by", default="broker collect", show_default=True, help="Who collects.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each delivery to DIR/<id>.json, for its owner only, instead of printing it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each delivery as a line of JSON.")
@with_gateway
def collect(
    *, most: int, follow: bool, by: str, into: Path | None, as_json: bool, gateway: Gateway
) -> None:
    """Collect your agency's deliveries, earliest deadline first.

    A delivery counts as collected when it is printed or written, and not before. A person
    acknowledges it afterwards with `broker answer`.

    \b
    Example:    broker collect --into inbox --max 100
    """
    batch, wait = min(most, LARGEST_BATCH), FOLLOW_SECONDS if follow else 0
    collected = 0
    with Consumer(gateway.url, gateway.key, by=by, batch=batch, wait=wait) as consumer:
        for delivery in islice(consumer, None if follow else most):
            with delivery:
                _writer(into, as_json=as_json)(delivery)
            collected += 1
    remark(f"{collected} collected")


def _writer(into: Path | None, *, as_json: bool) -> Callable[[Delivery], None]:
    if into is not None:
        return partial(_write, into)
    return _print_line if as_json else _print


def _print_line(delivery: Delivery) -> None:
    print_json_line(delivery.raw)


def _print(delivery: Delivery) -> None:
    print_styled(f"{delivery.id}  {delivery.reference}  {delivery.role}", bold=True)
    click.echo(f"  {delivery.raw['why']}")
    for name, due_at in delivery.deadlines.items():
        click.echo(f"  {name.replace('_', ' ')} {local(due_at)}")
    for kind in ("warnings", "defects"):
        for fault in delivery.raw.get(kind) or ():
            click.echo(f"  {kind[:-1]}: {fault['message']} ({fault['pointer'] or '/'})")
    print_json({"handling": delivery.handling, "content": delivery.content})


def _write(folder: Path, delivery: Delivery) -> None:
    """Write the delivery so that it is on the disk before it counts as collected."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / f"{delivery.id}.json"
    unfinished = place.with_suffix(".part")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(delivery.raw, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(place)
    click.echo(place)
