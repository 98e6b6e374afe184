"""``broker answer``: sends a person's answer to a delivery."""

from __future__ import annotations

from typing import TextIO
from uuid import UUID

import click
from referral_broker_client import Answer, Consumer, Settled

from broker.cli.exit_codes import CONFLICT, NOT_FOUND, Failure
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import broker_id, json_option
from broker.cli.output import local, print_json
from broker.domain.codes import ChildTold, Outcome, ReturnReason, Stage, ViewsConsidered

OUTCOMES = tuple(outcome.value for outcome in Outcome)
REASONS = tuple(reason.value for reason in ReturnReason)
STAGES = tuple(stage.value for stage in Stage)


@click.command()
@click.argument("delivery", type=broker_id)
@click.argument("stage", type=click.Choice(STAGES))
@click.option("--by", required=True, help="The person who answers.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="With decided: the outcome.")
@click.option("--reason", type=click.Choice(REASONS), help="With returned: the reason.")
@click.option("--area", help="With returned: the area code it belongs to, if known.")
@click.option(
    "--views-considered",
    type=click.Choice([answer.value for answer in ViewsConsidered]),
    help="With decided: whether the child's views were considered.",
)
@click.option(
    "--child-told",
    type=click.Choice([answer.value for answer in ChildTold]),
    help="With decided: whether the child was told.",
)
@click.option("--note", type=click.File(), help="A file with a note to the police, or '-'.")
@json_option
@with_gateway
def answer(  # noqa: PLR0913  one parameter for each option
    *,
    delivery: UUID,
    stage: str,
    by: str,
    outcome: str | None,
    reason: str | None,
    area: str | None,
    views_considered: str | None,
    child_told: str | None,
    note: TextIO | None,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Answer DELIVERY with STAGE: acknowledged, decided or returned. Safe to repeat.

    A decision may change: the newest stands, and all stay in the history.

    \b
    Examples:   broker answer 0193... acknowledged --by "A. Social-Worker"
                broker answer 0193... decided --outcome assessment --by "A. Social-Worker"
                broker answer 0193... returned --reason wrong_area --area E06000051 --by Desk
    """
    if (stage == "decided") != (outcome is not None):
        raise click.UsageError("--outcome goes with decided, and decided needs it.")
    if stage != "decided" and (views_considered or child_told):
        raise click.UsageError("--views-considered and --child-told go with decided.")
    if (stage == "returned") != (reason is not None):
        raise click.UsageError("--reason goes with returned, and returned needs it.")
    reply = Answer(
        delivery=str(delivery),
        stage=stage,
        by=by,
        outcome=outcome,
        reason=reason,
        area=area,
        note=note.read() if note else None,
        views_considered=views_considered,
        child_told=child_told,
    )
    with Consumer(gateway.url, gateway.key, by=by) as consumer:
        (settled,) = consumer.answer(reply)
    _print(settled, as_json=as_json)


def _print(settled: Settled, *, as_json: bool) -> None:
    if as_json:
        print_json({name: getattr(settled, name) for name in settled.__slots__})
    if settled.result == "not_found":
        raise Failure(
            "your agency has no delivery with this id.",
            next_step="check the id, and that the key is your agency's",
            code=NOT_FOUND,
        )
    if settled.result == "wrong_kind":
        raise Failure(
            "a delivery of this kind does not take this answer; nothing was changed.",
            next_step="decide a recall with the outcome destroyed, and acknowledge a correction: "
            "the delivery that it corrects is decided",
            code=CONFLICT,
        )
    if not settled.ok:
        raise Failure(
            f"the delivery has another answer: it is {settled.state} ({settled.result}).",
            next_step="nothing was changed; ask the person who answered it",
            code=CONFLICT,
        )
    if not as_json:
        changed = ", instead of an earlier decision" if settled.changed else ""
        click.echo(f"{settled.state} {local(settled.at)} ({settled.result}{changed})")
