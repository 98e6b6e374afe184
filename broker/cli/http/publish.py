"""``broker publish``: publishes one referral or many, or checks one without sending it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

import click
from referral_broker_client import Published, Publisher, Receipt

from broker.cli.exit_codes import DONE, INVALID
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import json_option
from broker.cli.output import local, print_json, print_json_line, remark
from broker.cli.referral_view import check_view, deliveries_view
from broker.cli.table import console


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--wait", is_flag=True, help="Wait until it is routed, and show who gets it.")
@click.option("--seconds", default=10.0, show_default=True, help="How long --wait waits.")
@click.option("--check", is_flag=True, help="Check it without sending it; nothing is stored.")
@click.option("--strict", is_flag=True, help="Refuse it for any fault, and show every fault.")
@click.option("--bulk", is_flag=True, help="FILE holds one referral a line.")
@click.option("--idempotency-key", help="A name of your own for this request.")
@json_option
@with_gateway
@click.pass_context
def publish(  # noqa: PLR0913  one parameter for each option
    ctx: click.Context,
    *,
    file: BinaryIO,
    wait: bool,
    seconds: float,
    check: bool,
    strict: bool,
    bulk: bool,
    idempotency_key: str | None,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Publish the referral in FILE ("-" is standard input). Safe to repeat.

    A TRACEPARENT in the environment (W3C Trace Context) is passed on.

    \b
    Example:    broker publish samples/first-referral.json --wait
    """
    if bulk and (wait or check or idempotency_key):
        raise click.UsageError("--bulk goes without --wait, --check and --idempotency-key.")
    with Publisher(gateway.url, gateway.key) as publisher:
        if check:
            _print_check(publisher.check(file.read(), strict=strict), as_json=as_json)
        elif bulk:
            results = publisher.publish_many(_lines(file), traceparent=_span(), strict=strict)
            ctx.exit(_print_results(results, as_json=as_json))
        else:
            receipt = publisher.publish(
                file.read(),
                idempotency_key=idempotency_key,
                wait=seconds if wait else None,
                traceparent=_span(),
                strict=strict,
            )
            _print_receipt(receipt, as_json=as_json)


def _span() -> str | None:
    """Return the span that this command runs in, if its caller collects traces."""
    return os.environ.get("TRACEPARENT") or None


def _lines(file: Iterable[bytes]) -> Iterable[bytes]:
    return (line for line in file if line.strip())


def _print_check(plan: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(plan)
    else:
        console().print(check_view(plan))


def _print_receipt(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.raw)
        return
    known = " (the broker had it already)" if receipt.duplicate else ""
    click.echo(f"{receipt.state}: {receipt.reference}{known}")
    click.echo(f"  id      {receipt.id}\n  at      {local(receipt.accepted_at)}")
    click.echo(f"  sha-256 {receipt.digest}")
    if receipt.raw.get("deliveries") is not None:  # --wait: the receipt holds the whole status
        console().print(deliveries_view(receipt.raw))
    remark(f"next:  broker status {receipt.reference}")


def _print_results(results: Iterable[Published], *, as_json: bool) -> int:
    """Print a line for each referral and return the exit code: 3 when any was rejected."""
    accepted = rejected = 0
    for number, result in enumerate(results, start=1):
        accepted += result.problem is None
        rejected += result.problem is not None
        _print_result(number, result, as_json=as_json)
    remark(f"{accepted} accepted, {rejected} refused")
    return INVALID if rejected else DONE


def _print_result(number: int, result: Published, *, as_json: bool) -> None:
    receipt, problem = result.receipt, result.problem
    if as_json:
        print_json_line(
            {
                "line": number,
                "receipt": receipt.raw if receipt else None,
                "problem": {"code": problem.code, "detail": problem.detail} if problem else None,
            }
        )
    elif receipt is not None:
        click.echo(f"{number}\t{receipt.state}\t{receipt.reference}\t{receipt.id}")
    elif problem is not None:
        click.echo(f"{number}\trefused\t{problem.code}\t{problem.detail or problem.title}")
