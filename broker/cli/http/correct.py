"""``broker correct`` and ``broker recall``: a publisher's means to correct a mistake."""

from __future__ import annotations

from typing import BinaryIO

import click
from referral_broker_client import Publisher

from broker.cli.confirmation import dry_run_option, yes_option
from broker.cli.http.attempt import Attempt, Json
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import expect_version_option, json_option
from broker.cli.output import local, print_json, remark
from broker.domain.codes import DeliveryKind, RecallReason

REASONS = tuple(reason.value for reason in RecallReason)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--referral", help="The referral's id; without it, the document's own reference.")
@click.option("--idempotency-key", help="A name of your own for this correction.")
@click.option("--strict", is_flag=True, help="Refuse it for any fault, and show every fault.")
@json_option
@with_gateway
def correct(
    *,
    file: BinaryIO,
    referral: str | None,
    idempotency_key: str | None,
    strict: bool,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Correct a referral: FILE is the whole document again ("-" is standard input).

    Every agency that has the referral gets the new version. Safe to repeat.

    \b
    Example:    broker correct samples/case-01-friday-afternoon.json
    """
    document = file.read()
    try:
        with Publisher(gateway.url, gateway.key) as publisher:
            receipt = publisher.correct(
                document, referral=referral, idempotency_key=idempotency_key, strict=strict
            )
    except ValueError as error:
        raise click.BadParameter("FILE is not a JSON object with a reference.") from error
    if as_json:
        print_json(receipt.raw)
        return
    known = " (the broker had it already)" if receipt.duplicate else ""
    click.echo(f"version {receipt.version}: {receipt.reference}{known}")
    click.echo(f"  id      {receipt.id}\n  at      {local(receipt.accepted_at)}")
    click.echo(f"  sha-256 {receipt.digest}")
    remark(f"next:  broker status {receipt.reference}")


@click.command()
@click.argument("referral")
@click.option("--reason", required=True, type=click.Choice(REASONS), help="Why.")
@click.option("--by", required=True, help="The person who recalls it.")
@expect_version_option
@yes_option
@dry_run_option
@json_option
@with_gateway
def recall(  # noqa: PLR0913  one parameter for each option
    *,
    referral: str,
    reason: str,
    by: str,
    expected_version: int | None,
    is_confirmed: bool,
    is_dry_run: bool,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Recall the referral with this id or reference. Safe to repeat.

    The broker stops offering it. Every agency that has it must destroy it and confirm that.

    \b
    Example:    broker recall OCC/2026/000123 --reason wrong_person --by "DS Imogen Farlow"
    """
    with Publisher(gateway.url, gateway.key) as publisher:
        attempt = Attempt(
            lambda: publisher.preview_recall(
                referral, reason=reason, by=by, expected_version=expected_version
            ),
            lambda dry_run: _effect(referral, dry_run),
        )
        if not attempt.confirmed(
            "Recall it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run, as_json=as_json
        ):
            return
        recalled = publisher.recall(
            referral, reason=reason, by=by, expected_version=expected_version
        )
    if as_json:
        print_json(recalled.raw)
        return
    known = " (already recalled)" if recalled.duplicate else ""
    click.echo(f"recalled {local(recalled.recalled_at)}: {recalled.reference}{known}")
    remark(f"next:  broker status {recalled.reference} shows who has destroyed it")


def _effect(referral: str, dry_run: Json) -> str:
    """Say who would have to destroy it: each agency that would get a delivery of the recall."""
    names = [
        delivery["agency_name"]
        for delivery in dry_run["deliveries"]
        if delivery["kind"] == DeliveryKind.RECALL
    ]
    holders = f"These must destroy it: {'; '.join(names)}." if names else "No agency has it yet."
    return f"{referral} will be offered to nobody any more. {holders}"
