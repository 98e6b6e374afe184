"""``broker escalations``, ``pause-clock`` and ``resume-clock``: missed and paused deadlines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click
from referral_broker_client.ops import Ops

from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import broker_id, json_option
from broker.cli.output import local, print_json
from broker.cli.table import print_table

REASONS = ("information_requested", "legal_hold")
_USAGE = (
    "Give nothing to list, or ESCALATION and --by NAME with one of --acknowledge, --release and "
    "--hand-over-to NAME. --note goes with the last two."
)
_HEADS = (
    "escalation",
    "late",
    "missed",
    "was due",
    "step",
    "next step",
    "state",
    "reference",
    "telephone",
)


@click.command()
@click.argument("escalation", type=broker_id, required=False)
@click.option(
    "--acknowledge", is_flag=True, help="Take ESCALATION on; the broker stops alerting others."
)
@click.option(
    "--release", is_flag=True, help="Stop dealing with ESCALATION; others are alerted again."
)
@click.option("--hand-over-to", help="Ask this person of ops to take ESCALATION over.")
@click.option("--by", help="The person who does it, or deals with it.")
@click.option("--note", help="With --release and --hand-over-to: why, for others to read.")
@json_option
@with_gateway
def escalations(  # noqa: PLR0913, PLR0917 - each is an option
    escalation: UUID | None,
    acknowledge: bool,
    release: bool,
    hand_over_to: str | None,
    by: str | None,
    note: str | None,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """List the missed deadlines that concern you; take one on, release it or hand it over.

    \b
    Example:    broker escalations 0193... --acknowledge --by 'Duty manager'
                broker escalations 0193... --hand-over-to 'Kim Example' --by 'Jo Example'
    """
    acts = acknowledge + release + bool(hand_over_to)
    is_list = escalation is None and not (acts or by or note)
    if (not is_list and not (escalation and by and acts == 1)) or (note and acknowledge):
        raise click.UsageError(_USAGE)
    with Ops(gateway.url, gateway.key) as ops:
        if escalation is None or by is None:
            _print_list(ops.escalations(), as_json=as_json)
        elif acknowledge:
            _print_acknowledged(ops.acknowledge_escalation(escalation, by=by), as_json=as_json)
        elif release:
            result = ops.escalation_owners.release(escalation, by=by, note=note)
            _print_released(result, as_json=as_json)
        else:
            to = hand_over_to or ""
            result = ops.escalation_owners.hand_over(escalation, by=by, to=to, note=note)
            _print_handed_over(result, to, as_json=as_json)


@click.command("pause-clock")
@click.argument("delivery", type=broker_id)
@click.option("--reason", required=True, type=click.Choice(REASONS), help="Why it is paused.")
@json_option
@with_gateway
def pause_clock(delivery: UUID, reason: str, as_json: bool, gateway: Gateway) -> None:
    """Pause the deadlines of DELIVERY that policy allows to be paused; the others stay.

    \b
    Example:    broker pause-clock 0193... --reason legal_hold
    """
    with Ops(gateway.url, gateway.key) as ops:
        result = ops.pause_clock(delivery, reason)
    if as_json:
        print_json(result)
    else:
        click.echo(f"Paused since {local(result['paused_at'])}, where policy allows it.")


@click.command("resume-clock")
@click.argument("delivery", type=broker_id)
@json_option
@with_gateway
def resume_clock(delivery: UUID, as_json: bool, gateway: Gateway) -> None:
    """Resume the deadlines of DELIVERY; they move by the time of the pause.

    \b
    Example:    broker resume-clock 0193...
    """
    with Ops(gateway.url, gateway.key) as ops:
        result = ops.resume_clock(delivery)
    if as_json:
        print_json(result)
        return
    due = [f"{n.replace('_', ' ')} {local(at)}" for n, at in result["deadlines"].items() if at]
    click.echo("Resumed: " + ", ".join(due))


def _print_list(result: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    elif result["escalations"]:
        print_table(_HEADS, [_row(escalation) for escalation in result["escalations"]])
    else:
        click.echo("Nothing is escalated.")


def _print_acknowledged(result: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    elif result["state"] == "ended":
        click.echo(f"It has ended already: {result['ended_because']}.")
    elif result["acknowledged_by"]:
        click.echo(f"{result['acknowledged_by']} has taken it on.")
    else:
        click.echo(
            f"{result['own_acknowledged_by']} has taken it on; your agency is not alerted again "
            f"until {local(result['own_until'])}, the police and ops are."
        )


def _print_released(result: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    elif result["state"] == "ended":
        click.echo(f"It has ended already: {result['ended_because']}.")
    else:
        click.echo("Nobody deals with it any more; people are alerted again.")


def _print_handed_over(result: Mapping[str, Any], to: str, *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        until = f" until {local(result['taken_until'])}" if result["taken_until"] else ""
        click.echo(f"{to} is asked to take it over. Until then you deal with it{until}.")


def _row(escalation: Mapping[str, Any]) -> list[str]:
    return [
        str(escalation["id"]),
        escalation["organisation"],
        escalation["milestone"],
        local(escalation["due_at"]),
        str(escalation["step"]),
        local(escalation["next_step_at"]) if escalation["next_step_at"] else "",
        escalation["acknowledged_by"] or escalation["own_acknowledged_by"] or escalation["state"],
        escalation["reference"] or "",
        escalation.get("telephone") or "",
    ]
