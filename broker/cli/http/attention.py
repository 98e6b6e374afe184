"""``broker attention``, ``give-area``, ``route-again`` and ``reroute``: what ops see and do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import click
from referral_broker_client.ops import Ops

from broker.cli.http.access import Gateway, with_gateway
from broker.cli.output import json_option, local, print_json
from broker.cli.table import print_table


@click.command()
@json_option
@with_gateway
def attention(as_json: bool, gateway: Gateway) -> None:
    """List what no agency owns, what was refused or never referred, and who is silent."""
    with Ops(gateway.url, gateway.key) as ops:
        found = ops.attention()
    if as_json:
        print_json(found)
        return
    for kind, things in found.items():
        if isinstance(things, Sequence) and not isinstance(things, str) and things:
            _table(kind, things)
    if not any(found.values()):
        click.echo("Nothing needs attention: every referral has an owner, and nobody is silent.")


@click.command("give-area")
@click.argument("referral", type=click.UUID)
@click.argument("areas", nargs=-1, required=True, metavar="ID=AREA...")
@json_option
@with_gateway
def give_area(referral: UUID, areas: Sequence[str], as_json: bool, gateway: Gateway) -> None:
    """Give children or persons of an unroutable REFERRAL their area; its clock keeps its start.

    REFERRAL is its id: two publishers may use the same reference.

    \b
    Example:    broker give-area 0193... child-1=E06000021
    """
    with Ops(gateway.url, gateway.key) as ops:
        _tell(ops.give_areas(str(referral), _pairs(areas)), as_json=as_json)


@click.command("route-again")
@click.argument("referral", type=click.UUID)
@json_option
@with_gateway
def route_again(referral: UUID, as_json: bool, gateway: Gateway) -> None:
    """Route an unroutable REFERRAL again as it is: a fault was mended, or the directory.

    \b
    Example:    broker route-again 0193...
    """
    with Ops(gateway.url, gateway.key) as ops:
        _tell(ops.retry_routing(referral), as_json=as_json)


@click.command()
@click.argument("delivery", type=click.UUID)
@click.option("--agency", help="The code of the agency that gets it now.")
@click.option("--area", help="The area whose corresponding agency gets it now.")
@json_option
@with_gateway
def reroute(
    delivery: UUID, agency: str | None, area: str | None, as_json: bool, gateway: Gateway
) -> None:
    """Send a returned or undeliverable DELIVERY on; its clock keeps its start.

    \b
    Example:    broker reroute 0193... --area E06000051
    """
    if (agency is None) == (area is None):
        raise click.UsageError("Give --agency or --area, one of them.")
    with Ops(gateway.url, gateway.key) as ops:
        _tell(ops.redirect(delivery, agency=agency, area=area), as_json=as_json)


def _pairs(areas: Sequence[str]) -> Mapping[str, str]:
    pairs = dict(pair.partition("=")[::2] for pair in areas)
    if not all(pairs) or not all(pairs.values()):
        raise click.UsageError("Write each as ID=AREA, such as child-1=E06000021.")
    return pairs


def _table(kind: str, things: Sequence[Mapping[str, Any]]) -> None:
    heads = [name for name, value in things[0].items() if not isinstance(value, dict | list)]
    rows = [[_cell(name, thing.get(name)) for name in heads] for thing in things]
    print_table([head.replace("_", " ") for head in heads], rows, title=kind.replace("_", " "))


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    return local(value) if name.endswith(("_at", "_by")) or name in {"at", "since"} else str(value)


def _tell(done: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        click.echo("done: " + ", ".join(f"{name} {value}" for name, value in done.items()))
