"""``broker queue``, ``suspend-agency`` and ``resume-agency``: agencies' queues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from referral_broker_client import Conflict, NotFound
from referral_broker_client.ops import Ops

from broker.cli.confirmation import dry_run_option, yes_option
from broker.cli.exit_codes import CONFLICT, NOT_FOUND, Failure
from broker.cli.http.attempt import Attempt, Json
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import Listing, by_option, json_option, reason_option
from broker.cli.output import local, print_json, remark
from broker.cli.table import print_table
from broker.domain.actor import in_words

LISTED = 200


@contextmanager
def _advised(agency: str) -> Iterator[None]:
    """Name the command that helps when the agency is unknown or the act is refused."""
    try:
        yield
    except NotFound:
        raise Failure(
            f"there is no agency {agency}.",
            next_step="find its code with `broker queue list`, or `broker directory show`",
            code=NOT_FOUND,
        ) from None
    except Conflict as error:
        step = f"see the present state with `broker queue show {agency}`"
        raise Failure(error.message, next_step=step, code=CONFLICT) from None


@click.group(cls=Listing)
def queue() -> None:
    """Show the agencies' queues. Needs a key for ops."""


@queue.command("list")
@json_option
@with_gateway
def list_(as_json: bool, gateway: Gateway) -> None:
    """List every queue with open deliveries."""
    with Ops(gateway.url, gateway.key) as ops:
        queues = ops.monitoring.queues()
    if as_json:
        print_json(queues)
        return
    heads = ("agency", "open", "late", "undeliverable", "oldest claimable", "oldest unacknowledged")
    rows = [
        (
            queue["agency"],
            queue["open"],
            queue["overdue"],
            queue["undeliverable"],
            local(queue["oldest_claimable_at"]),
            local(queue["oldest_unacknowledged_at"]),
        )
        for queue in queues
    ]
    if not rows:
        click.echo("Nothing is open in any queue.")
        return
    print_table(heads, rows)


@queue.command()
@click.argument("agency")
@json_option
@with_gateway
def show(agency: str, as_json: bool, gateway: Gateway) -> None:
    """Show the open deliveries of AGENCY, earliest deadline first.

    \b
    Example:    broker queue show stoke-csc
    """
    with Ops(gateway.url, gateway.key) as ops, _advised(agency):
        status = ops.agencies.status(agency)
        deliveries = ops.monitoring.deadlines(agency=agency, everything=True, limit=LISTED)[
            "deadlines"
        ]
    if as_json:
        print_json(deliveries)
        return
    if status["suspended_at"]:
        person = in_words(status["suspended_by"] or "")
        since, reason = local(status["suspended_at"]), status["suspended_because"]
        click.echo(f"Suspended since {since} by {person}: {reason}")
    if not deliveries:
        click.echo(f"Nothing is open at {agency}.")
        return
    columns = ("due_at", "milestone", "state", "reference", "delivery")
    rows = [(local(item["due_at"]), *(item[name] for name in columns[1:])) for item in deliveries]
    print_table(("due", "next step", "state", "reference", "delivery"), rows)
    if len(deliveries) == LISTED:
        remark(f"The {LISTED} earliest; /ops/agencies/{agency} counts all.")


@click.command("suspend-agency")
@click.argument("agency")
@reason_option
@by_option
@yes_option
@dry_run_option
@json_option
@with_gateway
def suspend_agency(  # noqa: PLR0913  one parameter for each option
    *,
    agency: str,
    reason: str,
    by: str,
    is_confirmed: bool,
    is_dry_run: bool,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Stop offering deliveries to AGENCY. Its deadlines do not change.

    \b
    Example:    broker suspend-agency stoke-csc --reason "System rebuilt." --by "Jo Example"
    """
    with Ops(gateway.url, gateway.key) as ops, _advised(agency):
        attempt = Attempt(
            lambda: ops.dry_runs.suspend(agency, reason, by=by),
            lambda dry_run: _effect(ops, agency, dry_run),
        )
        if not attempt.confirmed(
            "Suspend it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run, as_json=as_json
        ):
            return
        status = ops.agencies.suspend(agency, reason, by=by)
    if as_json:
        print_json(status)
        return
    click.echo(f"Delivery to {agency} is suspended; its deadlines do not change.")
    remark(f'next:  broker resume-agency {agency} --reason "..." --by "{by}"')


def _effect(ops: Ops, agency: str, dry_run: Json) -> str:
    """Say what a suspension would do."""
    status = ops.agencies.status(agency)
    name = status["name"]
    if not dry_run["events"]:
        return f"{name} ({agency}) is suspended already, since {local(status['suspended_at'])}."
    waiting = len(
        ops.monitoring.deadlines(agency=agency, everything=True, limit=LISTED)["deadlines"]
    )
    return (
        f"{name} ({agency}) will be offered nothing until it is resumed. "
        f"{_how_many(waiting)} open there; deadlines and alerts go on."
    )


def _how_many(waiting: int) -> str:
    if waiting >= LISTED:
        return f"{LISTED} or more deliveries are"
    return "1 delivery is" if waiting == 1 else f"{waiting} deliveries are"


@click.command("resume-agency")
@click.argument("agency")
@reason_option
@by_option
@json_option
@with_gateway
def resume_agency(agency: str, reason: str, by: str, as_json: bool, gateway: Gateway) -> None:
    """Offer deliveries to AGENCY again.

    \b
    Example:    broker resume-agency stoke-csc --reason "They are back." --by "Jo Example"
    """
    with Ops(gateway.url, gateway.key) as ops, _advised(agency):
        status = ops.agencies.resume(agency, reason, by=by)
    if as_json:
        print_json(status)
    else:
        click.echo(f"Delivery to {agency} is resumed.")


queue.add_command(suspend_agency, "pause")
queue.add_command(resume_agency, "resume")
