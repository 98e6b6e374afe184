"""``broker holds``: what an embargo, or a person, keeps from an agency, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from referral_broker_client.ops import Ops

from broker.cli.confirmation import dry_run_option, yes_option
from broker.cli.http.attempt import Attempt, Json
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import Listing, broker_id, expect_version_option, json_option
from broker.cli.output import LOCAL, local, print_json
from broker.cli.table import print_table

_REASON = click.option("--reason", required=True, help="Why: others will read it.")
_BY = click.option("--by", help="The person who decides it.")


@click.group(cls=Listing)
def holds() -> None:
    """List what is held, and release it, keep it or extend it. Acts need a key for ops."""


@holds.command("list")
@json_option
@with_gateway
def list_(as_json: bool, gateway: Gateway) -> None:
    """List the held deliveries and when each is released, the next one first."""
    with Ops(gateway.url, gateway.key) as ops:
        held = ops.embargoes()
    if as_json:
        print_json(held)
    elif held["embargoes"]:
        rows = [_row(delivery) for delivery in held["embargoes"]]
        print_table(["delivery", "until", "agency", "reference", "publisher", "grade"], rows)
    else:
        click.echo("Nothing is held.")


@holds.command()
@click.argument("delivery", type=broker_id)
@_REASON
@_BY
@expect_version_option
@yes_option
@dry_run_option
@json_option
@with_gateway
def release(  # noqa: PLR0913  one parameter for each option
    *,
    delivery: UUID,
    reason: str,
    by: str | None,
    expected_version: int | None,
    is_confirmed: bool,
    is_dry_run: bool,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Offer a held DELIVERY to its agency now. Its deadlines count from now.

    \b
    Example:    broker holds release 0193... --reason "The arrest was made"
    """
    with Ops(gateway.url, gateway.key) as ops:
        seen: dict[str, Any] = {"by": by, "expected_version": expected_version}
        attempt = Attempt(lambda: ops.dry_runs.release_hold(delivery, reason, **seen), _effect)
        if not attempt.confirmed(
            "Release it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run, as_json=as_json
        ):
            return
        result = ops.release_hold(delivery, reason, **seen)
    _print(result, as_json=as_json)


@holds.command()
@click.argument("delivery", type=broker_id)
@_REASON
@_BY
@expect_version_option
@json_option
@with_gateway
def keep(
    *,
    delivery: UUID,
    reason: str,
    by: str | None,
    expected_version: int | None,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Record that you looked at a held DELIVERY and keep it held.

    \b
    Example:    broker holds keep 0193... --reason "The arrest is not made"
    """
    with Ops(gateway.url, gateway.key) as ops:
        result = ops.keep_hold(delivery, reason, by=by, expected_version=expected_version)
    _print(result, as_json=as_json)


@holds.command()
@click.argument("delivery", type=broker_id)
@click.option(
    "--until",
    required=True,
    type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]),
    help="The new end, in UK time, such as 2026-12-18T12:00.",
)
@_REASON
@_BY
@expect_version_option
@json_option
@with_gateway
def extend(  # noqa: PLR0913  one parameter for each option
    *,
    delivery: UUID,
    until: datetime,
    reason: str,
    by: str | None,
    expected_version: int | None,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Hold a held DELIVERY until a later time. Its deadlines count from then.

    \b
    Example:    broker holds extend 0193... --until 2026-12-18T12:00 --reason "Warrant delayed"
    """
    with Ops(gateway.url, gateway.key) as ops:
        end = until.replace(tzinfo=LOCAL)
        result = ops.extend_hold(delivery, end, reason, by=by, expected_version=expected_version)
    _print(result, as_json=as_json)


def _effect(dry_run: Json) -> str:
    """Say what a release would do."""
    names = [delivery["agency_name"] for delivery in dry_run["deliveries"]]
    return f"{'; '.join(names)} will be offered it now. This cannot be undone."


def _row(delivery: Mapping[str, Any]) -> list[str]:
    return [
        delivery["delivery"],
        local(delivery["until"]) or "a person releases it",
        delivery["agency"],
        delivery["reference"],
        delivery["publisher"],
        delivery["effective_grade"] or "",
    ]


def _print(result: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        click.echo(f"{result['state']}: {result['delivery']}")
