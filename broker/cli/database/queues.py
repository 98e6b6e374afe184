"""``broker queue``, ``suspend-agency``, ``resume-agency`` and ``dead``: queues and dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from uuid import UUID

import click

from broker.admin import operator_actions
from broker.bootstrap import Pool, open_broker, read_settings
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.exit_codes import CONFLICT, NOT_FOUND, Failure
from broker.cli.options import by_option, json_option, reason_option
from broker.cli.output import local, print_json, remark
from broker.cli.table import print_table
from broker.domain.ids import OrganisationCode
from broker.errors import Conflict, NotFound
from broker.flow.context import Context

LISTED = 200


@contextmanager
def _broker() -> Iterator[Context]:
    settings = read_settings()
    with open_broker(settings, process="cli", pool=Pool(connections=2)) as context:
        yield context


@contextmanager
def _advised(command: str) -> Iterator[None]:
    """Name the command that shows the present state when the act is refused."""
    try:
        yield
    except (Conflict, NotFound) as error:
        code = CONFLICT if isinstance(error, Conflict) else NOT_FOUND
        raise Failure(
            error.message, next_step=f"see the present state with `{command}`", code=code
        ) from None


def _known(context: Context, agency: str) -> None:
    if OrganisationCode(agency) not in context.ledger.monitoring.organisation_status():
        raise _unknown(agency)


@click.group()
def queue() -> None:
    """Show the agencies' queues. Needs BROKER_DATABASE_URL; pause and resume need all settings."""


@queue.command("ls")
@json_option
def ls(as_json: bool) -> None:
    """List every queue with open deliveries."""
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        queues = sorted(
            ledger.monitoring.open_work(now=now).values(),
            key=lambda work: (-work.overdue, -work.open),
        )
    if as_json:
        print_json([asdict(work) for work in queues])
        return
    heads = ("agency", "open", "late", "undeliverable", "oldest claimable", "oldest unacknowledged")
    rows = [
        (
            work.agency,
            work.open,
            work.overdue,
            work.undeliverable,
            local(work.oldest_claimable_at),
            local(work.oldest_unacknowledged_at),
        )
        for work in queues
    ]
    if not rows:
        click.echo("Nothing is open in any queue.")
        return
    print_table(heads, rows)


@queue.command()
@click.argument("agency")
@json_option
def show(agency: str, as_json: bool) -> None:
    """Show the open deliveries of AGENCY, earliest deadline first."""
    with open_ledger() as ledger:
        presence = ledger.monitoring.organisation_status().get(OrganisationCode(agency))
        if presence is None:
            raise _unknown(agency)
        now = ledger.queries.clock()
        deliveries = ledger.monitoring.at_risk(
            now=now, limit=LISTED, agency=agency, everything=True
        )
    if as_json:
        print_json([asdict(delivery) for delivery in deliveries])
        return
    rows = [
        (local(item.due_at), item.milestone, item.state, item.reference, item.delivery)
        for item in deliveries
    ]
    if presence.stopped_at:
        person = (presence.stopped_by or "").removeprefix("person:")
        click.echo(
            f"Suspended since {local(presence.stopped_at)} by {person}: {presence.stopped_because}"
        )
    if not rows:
        click.echo(f"Nothing is open at {agency}.")
        return
    print_table(("due", "next step", "state", "reference", "delivery"), rows)
    if len(deliveries) == LISTED:
        remark(f"The {LISTED} earliest; /ops/agencies/{agency} counts all.")


def _unknown(agency: str) -> Failure:
    return Failure(
        f"there is no agency {agency}.",
        next_step="find its code with `broker directory show`, or `broker queue ls`",
        code=NOT_FOUND,
    )


@click.command("suspend-agency")
@click.argument("agency")
@reason_option
@by_option
def suspend_agency(agency: str, reason: str, by: str) -> None:
    """Stop offering deliveries to AGENCY until you resume it. Its deadlines do not change.

    \b
    Example:    broker suspend-agency stoke-csc --reason "Their servers move." --by "Jo Example"
    """
    with _broker() as context, _advised(f"broker queue show {agency}"):
        _known(context, agency)
        operator_actions.suspend_agency(
            context, OrganisationCode(agency), by=f"person:{by}", reason=reason
        )
    click.echo(f"Delivery to {agency} is suspended; its deadlines do not change.")
    remark(f'next:  broker resume-agency {agency} --reason "..." --by "{by}"')


@click.command("resume-agency")
@click.argument("agency")
@reason_option
@by_option
def resume_agency(agency: str, reason: str, by: str) -> None:
    """Offer deliveries to AGENCY again.

    \b
    Example:    broker resume-agency stoke-csc --reason "They are back." --by "Jo Example"
    """
    with _broker() as context, _advised(f"broker queue show {agency}"):
        _known(context, agency)
        operator_actions.resume_agency(
            context, OrganisationCode(agency), by=f"person:{by}", reason=reason
        )
    click.echo(f"Delivery to {agency} is resumed.")


queue.add_command(suspend_agency, "pause")
queue.add_command(resume_agency, "resume")


@click.group()
def dead() -> None:
    """List dead letters, and replay them."""


@dead.command("ls")
@json_option
def dead_ls(as_json: bool) -> None:
    """Count the dead letters by cause and agency."""
    with open_ledger() as ledger:
        groups = ledger.monitoring.dead_letters()
    if as_json:
        print_json([asdict(group) for group in groups])
        return
    rows = [(group.cause, group.agency, group.count, local(group.next_due_at)) for group in groups]
    if not rows:
        click.echo("There are no dead letters.")
        return
    print_table(("cause", "agency", "count", "next deadline"), rows)


@dead.command()
@click.option("--agency", help="Only those of this agency.")
@click.option("--cause", help="Only those with this cause.")
@click.option(
    "--to", "receiver", help="Redirect them to this agency; includes returned deliveries."
)
@click.option(
    "--per-minute",
    default=operator_actions.PER_MINUTE,
    show_default=True,
    help="How many a minute.",
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
    """Plan to replay or redirect many dead letters. Nothing changes yet.

    \b
    Example:    broker dead plan --agency stoke-csc --by "Jo Example"
                broker dead plan --cause wrong_area --to shropshire-csc --by "Jo Example"
    """
    chosen: dict[str, Any] = {
        "agency": agency,
        "cause": cause,
        "per_minute": per_minute,
        "by": f"person:{by}",
    }
    with _broker() as context:
        if receiver:
            id_ = operator_actions.plan_redirect(context, receiver=receiver, **chosen)
        else:
            id_ = operator_actions.plan_replay(context, **chosen)
        planned = operator_actions.planned(context, id_)
        lines = operator_actions.lines(context, planned)
        judged = operator_actions.redirect_lines(context, planned)
    if as_json:
        groups = {
            "lines": [asdict(line) for line in lines],
            "views": [asdict(line) for line in judged],
        }
        print_json({**asdict(planned), **groups})
        return
    if not planned.planned:
        click.echo("No dead letter matches this plan.")
        remark("next:  broker dead ls")
        return
    before = "redirected before" if receiver else "replayed before"
    rows = [
        (line.agency, line.cause, line.count, line.overdue, line.replayed_before) for line in lines
    ]
    print_table(("agency", "cause", "count", "past deadline", before), rows)
    if judged:
        views = [
            (line.count, line.view or "cannot go", "; ".join(line.shows) or line.message)
            for line in judged
        ]
        print_table(("count", "view", "what it shows, or why it cannot go"), views)
    click.echo(f"Plan {id_}: {planned.planned} deliveries, {planned.per_minute} a minute.")
    remark(f'next:  broker dead replay {id_} --count {planned.planned} --reason "..."')


@dead.command()
@click.argument("plan_id", metavar="PLAN")
@click.option("--count", type=int, required=True, help="The number in the plan, to confirm it.")
@click.option("--by", help="Your name, for the history; by default the planner's.")
@reason_option
def replay(plan_id: str, count: int, by: str | None, reason: str) -> None:
    """Start PLAN; workers replay or redirect its dead letters at its pace."""
    try:
        id_ = UUID(plan_id)
    except ValueError:
        raise click.UsageError("PLAN is the id that `broker dead plan` printed.") from None
    with _broker() as context, _advised("broker dead ls"):
        planned = operator_actions.planned(context, id_).planned
        if count != planned:
            raise click.UsageError(f"The plan has {planned}, not {count}: give --count {planned}.")
        operator_actions.start_replay(
            context, id_, reason=reason, typed=str(count), by=by and f"person:{by}"
        )
    click.echo(f"The plan for {planned} has started; see it at /ops/replays/{id_}")
