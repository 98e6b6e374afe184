"""``broker questions``: what agencies ask about referrals, and the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click
from referral_broker_client import Publisher

from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import Listing, json_option
from broker.cli.output import local, print_json
from schemas import labels


@click.group(cls=Listing)
def questions() -> None:
    """List what agencies ask about your referrals, and answer it."""


@questions.command("list")
@click.option("--all", "is_all", is_flag=True, help="List those that are answered or closed too.")
@json_option
@with_gateway
def list_(is_all: bool, as_json: bool, gateway: Gateway) -> None:
    """List what agencies ask, the latest first."""
    with Publisher(gateway.url, gateway.key) as police:
        listed = police.questions(state="all" if is_all else "open")
    if as_json:
        print_json({"questions": listed})
        return
    if not listed:
        click.echo("Nobody waits for an answer.")
    for question in listed:
        _print_question(question)


@questions.command()
@click.argument("question", type=click.UUID)
@click.option("--text", help="The answer in words; the agency that asked reads it.")
@click.option(
    "--version",
    type=click.IntRange(min=2),
    help="The version of the referral that answers it: send the correction first.",
)
@click.option("--by", required=True, help="The person who answers.")
@json_option
@with_gateway
def answer(
    *,
    question: UUID,
    text: str | None,
    version: int | None,
    by: str,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Answer QUESTION in words, by a version of the referral, or both.

    \b
    Example:    broker questions answer 0193... --text "Yes, from Monday" --by 'DC Example'
    """
    if text is None and version is None:
        raise click.UsageError("Give --text, or the --version that answers it.")
    with Publisher(gateway.url, gateway.key) as police:
        answered = police.answer_question(question, by=by, text=text, version=version)
    if as_json:
        print_json(answered)
    else:
        click.echo(f"{answered['agency_name']} can read the answer now.")


def _print_question(question: Mapping[str, Any]) -> None:
    click.echo(f"{question['id']}  {question['reference']}  {question['topic']}")
    click.echo(
        f"  {question['asked_by']}, {question['agency_name']}, {local(question['asked_at'])}:"
    )
    click.echo(f"  {question['text']}")
    if question["answered_at"]:
        version = f"See version {question['version']}." if question["version"] else None
        answer = " ".join(filter(None, [question["answer"], version]))
        click.echo(f"  {question['answered_by']}, {local(question['answered_at'])}: {answer}")
    elif question["closed_at"]:
        because = labels.QUESTION_ENDS.get(question["closed_because"], question["closed_because"])
        click.echo(f"  closed {local(question['closed_at'])}, not answered: {because}")
