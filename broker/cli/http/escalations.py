"""``broker escalations``, ``pause`` and ``resume``: missed deadlines, and clocks that stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click
from referral_broker_client.ops import Ops

from broker.cli.http.access import Gateway, with_gateway
from broker.cli.output import json_option, local, print_json
from broker.cli.table import print_table

REASONS = ("information_requested", "legal_hold")
_HEADS = ("escalation", "late", "missed", "was due", "step", "next step", "state", "reference")


@click.command()
@click.argument("escalation", type=click.UUID, required=False)
@click.option("--acknowledge", is_flag=True, help="Say that a person sees to ESCALATION.")
@click.option("--by", help="Who sees to it.")
@json_option
@with_gateway
def escalations(
    escalation: UUID | None, acknowledge: bool, by: str | None, as_json: bool, gateway: Gateway
) -> None:
    """List the missed deadlines that concern you and that run, or see to one.

    \b
    Example:    broker escalations 0193... --acknowledge --by 'Duty manager'
    """
    if acknowledge != (escalation is not None) or acknowledge != bool(by):
        raise click.UsageError("Give nothing to list, or ESCALATION --acknowledge --by NAME.")
    with Ops(gateway.url, gateway.key) as ops:
        if escalation is not None and by:
            _acknowledged(ops.acknowledge_escalation(escalation, by=by), as_json=as_json)
        else:
            _listed(ops.escalations(), as_json=as_json)


@click.command()
@click.argument("delivery", type=click.UUID)
@click.option("--reason", required=True, type=click.Choice(REASONS), help="Why it stands.")
@json_option
@with_gateway
def pause(delivery: UUID, reason: str, as_json: bool, gateway: Gateway) -> None:
    """Let the clocks of DELIVERY stand that policy lets stand; the others run on."""
    with Ops(gateway.url, gateway.key) as ops:
        found = ops.pause_clock(delivery, reason)
    if as_json:
        print_json(found)
    else:
        click.echo(f"Its pausable clocks stand since {local(found['paused_at'])}.")


@click.command()
@click.argument("delivery", type=click.UUID)
@json_option
@with_gateway
def resume(delivery: UUID, as_json: bool, gateway: Gateway) -> None:
    """Let the clocks of DELIVERY go on; their deadlines are counted anew."""
    with Ops(gateway.url, gateway.key) as ops:
        found = ops.resume_clock(delivery)
    if as_json:
        print_json(found)
        return
    due = [f"{n.replace('_', ' ')} {local(at)}" for n, at in found["deadlines"].items() if at]
    click.echo("It goes on: " + ", ".join(due))


def _listed(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found["escalations"]:
        print_table(_HEADS, [_row(escalation) for escalation in found["escalations"]])
    else:
        click.echo("Nothing is escalated: no deadline is missed that nobody sees to.")


def _acknowledged(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found["state"] == "ended":
        click.echo(f"It is over already: {found['ended_because']}.")
    else:
        click.echo(f"{found['acknowledged_by']} sees to it.")


def _row(mapping: Mapping[str, Any]) -> list[str]:
    return [
        str(mapping["id"]),
        mapping["organisation"],
        mapping["milestone"],
        local(mapping["due_at"]),
        str(mapping["step"]),
        local(mapping["next_step_at"]) if mapping["next_step_at"] else "",
        mapping["acknowledged_by"] or mapping["state"],
        mapping["reference"] or "",
    ]
