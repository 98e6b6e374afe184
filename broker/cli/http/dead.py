"""``broker dead``: dead letters, and their replay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import click
from referral_broker_client import Conflict, NotFound
from referral_broker_client.ops import Ops

from broker.cli.confirmation import dry_run_option, end_dry_run
from broker.cli.exit_codes import CONFLICT, NOT_FOUND, Failure
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import Listing, broker_id, by_option, json_option, reason_option
from broker.cli.output import local, print_json, remark
from broker.cli.table import print_table

PER_MINUTE = 60


@click.group(cls=Listing)
def dead() -> None:
    """List dead letters, and replay them. Needs a key for ops."""


@dead.command("list")
@json_option
@with_gateway
def dead_list(as_json: bool, gateway: Gateway) -> None:
    """Count the dead letters by cause and agency."""
    with Ops(gateway.url, gateway.key) as ops:
        groups = ops.replays.dead_letters()
    if as_json:
        print_json(groups)
        return
    rows = [
        (group["cause"], group["agency"], group["count"], local(group["next_due_at"]))
        for group in groups
    ]
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
@click.option("--per-minute", default=PER_MINUTE, show_default=True, help="How many a minute.")
@by_option
@json_option
@with_gateway
def plan(  # noqa: PLR0913  one parameter for each option
    *,
    agency: str | None,
    cause: str | None,
    receiver: str | None,
    per_minute: int,
    by: str,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Plan to replay or redirect many dead letters. Nothing changes yet.

    \b
    Example:    broker dead plan --agency stoke-csc --by "Jo Example"
                broker dead plan --cause wrong_area --to shropshire-csc --by "Jo Example"
    """
    with Ops(gateway.url, gateway.key) as ops:
        planned = ops.replays.plan(
            by=by, agency=agency, cause=cause, receiver=receiver, per_minute=per_minute
        )
    if as_json:
        print_json(planned)
        return
    if not planned["planned"]:
        click.echo("No dead letter matches this plan.")
        remark("next:  broker dead list")
        return
    _print_plan(planned)
    remark(f'next:  broker dead replay {planned["id"]} --count {planned["planned"]} --reason "..."')


@dead.command()
@click.argument("plan_id", metavar="PLAN", type=broker_id)
@click.option("--count", type=int, required=True, help="The number in the plan, to confirm it.")
@click.option("--by", help="Your name, for the history.")
@reason_option
@dry_run_option
@json_option
@with_gateway
def replay(  # noqa: PLR0913  one parameter for each option
    *,
    plan_id: UUID,
    count: int,
    by: str | None,
    reason: str,
    is_dry_run: bool,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Start PLAN; workers replay or redirect its dead letters at its pace.

    \b
    Example:    broker dead replay 0193... --count 12 --reason "Their system is back."
    """
    with Ops(gateway.url, gateway.key) as ops, _advised():
        planned = ops.replays.progress(plan_id)
        if count != planned["planned"]:
            number = planned["planned"]
            raise click.UsageError(f"The plan has {number}, not {count}: give --count {number}.")
        if is_dry_run:
            _check_planned(planned)
            print_json(planned) if as_json else _print_plan(planned)
            end_dry_run()
            return
        started = ops.replays.start(plan_id, reason, count=count, by=by)
    if as_json:
        print_json(started)
    else:
        click.echo(
            f"The plan for {started['planned']} has started; see it at /ops/replays/{plan_id}"
        )


def _check_planned(planned: Mapping[str, Any]) -> None:
    """Raise Failure for a plan that was started before: a dry run promises no second start."""
    if planned["state"] != "planned":
        raise Failure(
            f"this plan was started before: it is {planned['state']}.",
            next_step="see the present state with `broker dead list`",
            code=CONFLICT,
        )


@contextmanager
def _advised() -> Iterator[None]:
    """Name the command that shows the present state when the start is refused."""
    try:
        yield
    except NotFound:
        step = "copy it from `broker dead plan`; `broker dead list` shows what there is"
        raise Failure("no plan has this id.", next_step=step, code=NOT_FOUND) from None
    except Conflict as error:
        step = "see the present state with `broker dead list`"
        raise Failure(error.message, next_step=step, code=CONFLICT) from None


def _print_plan(planned: Mapping[str, Any]) -> None:
    before = "redirected before" if planned["receiver"] else "replayed before"
    rows = [
        (line["agency"], line["cause"], line["count"], line["overdue"], line["replayed_before"])
        for line in planned["lines"]
    ]
    print_table(("agency", "cause", "count", "past deadline", before), rows)
    if planned["views"]:
        views = [
            (
                line["count"],
                line["view"] or "cannot go",
                "; ".join(line["shows"]) or line["message"],
            )
            for line in planned["views"]
        ]
        print_table(("count", "view", "what it shows, or why it cannot go"), views)
    click.echo(
        f"Plan {planned['id']}: {planned['planned']} deliveries, {planned['per_minute']} a minute."
    )
