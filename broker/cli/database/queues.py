"""``broker queue`` and ``broker dead``: look at queues, pause them, replay what could not go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

import click

from broker.admin import operator_actions
from broker.bootstrap import open_broker, read_settings
from broker.cli.database.connection import open_ledger
from broker.cli.exit_codes import CONFLICT, NOT_FOUND, Failure
from broker.cli.output import json_option, local, print_json, remark
from broker.cli.table import print_table
from broker.domain.ids import OrganisationCode
from broker.errors import Conflict, NotFound
from broker.flow.context import Context

reason_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--reason", required=True, help="Why: others will read it in the history."
)
by_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--by", required=True, help="Your name, for the history."
)

LISTED = 200


@contextmanager
def _broker() -> Iterator[Context]:
    settings = read_settings()
    with open_broker(settings, process="cli", connections=2) as context:
        yield context


@contextmanager
def _advised(look: str) -> Iterator[None]:
    """Say where to look when somebody was faster, or it was done before."""
    try:
        yield
    except (Conflict, NotFound) as error:
        code = CONFLICT if isinstance(error, Conflict) else NOT_FOUND
        raise Failure(error.message, next_step=f"look with `{look}`", code=code) from None


def _known(context: Context, agency: str) -> None:
    if OrganisationCode(agency) not in context.ledger.monitoring.organisation_status():
        raise _unknown(agency)


@click.group()
def queue() -> None:
    """Look at the agencies' queues, and pause delivery. Looking needs BROKER_DATABASE_URL."""


@queue.command("ls")
@json_option
def ls(as_json: bool) -> None:
    """List every queue in which something is open."""
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        found = sorted(
            ledger.monitoring.open_work(now=now).values(), key=lambda one: (-one.overdue, -one.open)
        )
    if as_json:
        print_json([asdict(one) for one in found])
        return
    heads = ("agency", "open", "late", "undeliverable", "oldest claimable", "oldest unacknowledged")
    rows = [
        (
            one.agency,
            one.open,
            one.overdue,
            one.undeliverable,
            local(one.oldest_claimable_at),
            local(one.oldest_unacknowledged_at),
        )
        for one in found
    ]
    if not rows:
        click.echo("Nothing is open in any queue.")
        return
    print_table(heads, rows)


@queue.command()
@click.argument("agency")
@json_option
def show(agency: str, as_json: bool) -> None:
    """Show what is open at AGENCY, soonest deadline first."""
    with open_ledger() as ledger:
        presence = ledger.monitoring.organisation_status().get(OrganisationCode(agency))
        if presence is None:
            raise _unknown(agency)
        now = ledger.queries.clock()
        found = ledger.monitoring.at_risk(now=now, limit=LISTED, agency=agency, everything=True)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (local(one.due_at), one.milestone, one.state, one.reference, one.delivery) for one in found
    ]
    if presence.stopped_at:
        who = (presence.stopped_by or "").removeprefix("person:")
        click.echo(
            f"Paused since {local(presence.stopped_at)} by {who}: {presence.stopped_because}"
        )
    if not rows:
        click.echo(f"Nothing is open at {agency}.")
        return
    print_table(("due", "must", "state", "reference", "delivery"), rows)
    if len(found) == LISTED:
        remark(f"The {LISTED} soonest; /ops/agencies/{agency} counts all.")


def _unknown(agency: str) -> Failure:
    return Failure(
        f"there is no agency {agency}.",
        next_step="find its code with `broker directory show`, or `broker queue ls`",
        code=NOT_FOUND,
    )


@queue.command()
@click.argument("agency")
@reason_option
@by_option
def pause(agency: str, reason: str, by: str) -> None:
    """Offer nothing to AGENCY until it is resumed; its deadlines run on."""
    with _broker() as context, _advised(f"broker queue show {agency}"):
        _known(context, agency)
        operator_actions.suspend_agency(
            context, OrganisationCode(agency), by=f"person:{by}", reason=reason
        )
    click.echo(f"Delivery to {agency} is paused; its deadlines run on.")
    remark(f'next:  broker queue resume {agency} --reason "..." --by "{by}"')


@queue.command()
@click.argument("agency")
@reason_option
@by_option
def resume(agency: str, reason: str, by: str) -> None:
    """Offer to AGENCY again."""
    with _broker() as context, _advised(f"broker queue show {agency}"):
        _known(context, agency)
        operator_actions.resume_agency(
            context, OrganisationCode(agency), by=f"person:{by}", reason=reason
        )
    click.echo(f"Delivery to {agency} goes on.")


@click.group()
def dead() -> None:
    """Look at what cannot be delivered, and replay it."""


@dead.command("ls")
@json_option
def dead_ls(as_json: bool) -> None:
    """List what cannot be delivered, by cause and agency."""
    with open_ledger() as ledger:
        found = ledger.monitoring.dead_letters()
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.cause, one.agency, one.count, local(one.next_due_at)) for one in found]
    if not rows:
        click.echo("Everything can be delivered.")
        return
    print_table(("cause", "agency", "count", "next deadline"), rows)


@dead.command()
@click.option("--agency", help="Only this agency's.")
@click.option("--cause", help="Only of this cause.")
@click.option("--to", "receiver", help="Send them on to this agency instead; also what came back.")
@click.option(
    "--per-minute", default=operator_actions.PER_MINUTE, show_default=True, help="The pace."
)
@by_option
@json_option
def plan(
    agency: str | None,
    cause: str | None,
    receiver: str | None,
    per_minute: int,
    by: str,
    as_json: bool,
) -> None:
    """Plan a replay, or to send many on; nothing is changed yet.

    \b
    Example:    broker dead plan --agency stoke-csc --by "Jo Example"
                broker dead plan --cause wrong_area --to shropshire-csc --by "Jo Example"
    """
    told: dict[str, Any] = {
        **{"agency": agency, "cause": cause},
        **{"per_minute": per_minute, "by": f"person:{by}"},
    }
    with _broker() as context:
        if receiver:
            id_ = operator_actions.plan_redirect(context, receiver=receiver, **told)
        else:
            id_ = operator_actions.plan_replay(context, **told)
        planned = operator_actions.planned(context, id_)
        lines = operator_actions.lines(context, planned)
    if as_json:
        print_json({**asdict(planned), "lines": [asdict(line) for line in lines]})
        return
    if not planned.planned:
        click.echo("Nothing that cannot be delivered fits this plan; there is nothing to replay.")
        remark("next:  broker dead ls")
        return
    before = "sent on before" if receiver else "replayed before"
    rows = [
        (line.agency, line.cause, line.count, line.overdue, line.replayed_before) for line in lines
    ]
    print_table(("agency", "cause", "count", "past deadline", before), rows)
    click.echo(f"Plan {id_}: {planned.planned} deliveries, {planned.per_minute} a minute.")
    remark(f'next:  broker dead replay {id_} --count {planned.planned} --reason "..."')


@dead.command()
@click.argument("plan_id", metavar="PLAN")
@click.option("--count", type=int, required=True, help="How many the plan says, to confirm.")
@click.option("--by", help="Your name, for the history; else whoever planned it.")
@reason_option
def replay(plan_id: str, count: int, by: str | None, reason: str) -> None:
    """Start the replay or sending on PLAN; workers carry it out at its pace."""
    try:
        id_ = UUID(plan_id)
    except ValueError:
        raise click.UsageError("PLAN is the id that `broker dead plan` printed.") from None
    with _broker() as context, _advised("broker dead ls"):
        planned = operator_actions.planned(context, id_).planned
        if count != planned:
            raise click.UsageError(f"The plan says {planned}, not {count}: give --count {planned}.")
        operator_actions.start_replay(
            context, id_, reason=reason, typed=str(count), by=by and f"person:{by}"
        )
    click.echo(f"The plan for {planned} has started; see it at /ops/replays/{id_}")
