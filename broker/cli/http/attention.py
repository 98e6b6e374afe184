"""``broker attention``, ``give-area``, ``retry-routing`` and ``redirect``: find an owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import click
from referral_broker_client.ops import Ops

from broker.cli.confirmation import ask, dry_run_option, end_dry_run, yes_option
from broker.cli.exit_codes import DONE
from broker.cli.health_output import STATE_OF, print_health
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import broker_id, expect_version_option, json_option
from broker.cli.output import local, print_json
from broker.cli.table import print_table

NOT_SAID = "The gateway does not say whether the broker works."


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with the code of `broker check health`.")
@json_option
@with_gateway
def attention(exit_code: bool, as_json: bool, gateway: Gateway) -> int:
    """Say whether the broker works; then list the referrals that need you, and who is silent."""
    with Ops(gateway.url, gateway.key) as ops:
        lists = ops.attention()
    health = lists.get("health") or {"level": "unknown", "sentence": NOT_SAID, "problems": []}
    if as_json:
        print_json(lists)
    else:
        print_health(health)
        _print_lists({kind: entries for kind, entries in lists.items() if kind != "health"})
    return STATE_OF[health["level"]] if exit_code else DONE


def _print_lists(lists: Mapping[str, Any]) -> None:
    for kind, entries in lists.items():
        if isinstance(entries, Sequence) and not isinstance(entries, str) and entries:
            _print_list(kind, entries)
    if not any(lists.values()):
        click.echo("The lists are empty: no referral, task or silence waits for you.")


@click.command("give-area")
@click.argument("referral", type=broker_id)
@click.argument("areas", nargs=-1, required=True, metavar="ID=AREA...")
@expect_version_option
@json_option
@with_gateway
def give_area(
    *,
    referral: UUID,
    areas: Sequence[str],
    expected_version: int | None,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Set the area of children or persons in an unroutable REFERRAL. Deadlines do not change.

    REFERRAL is its id: two publishers may use the same reference.

    \b
    Example:    broker give-area 0193... child-1=E06000021
    """
    with Ops(gateway.url, gateway.key) as ops:
        result = ops.give_areas(str(referral), _pairs(areas), expected_version=expected_version)
    _print_result(result, as_json=as_json)


@click.command("retry-routing")
@click.argument("referral", type=broker_id)
@json_option
@with_gateway
def retry_routing(referral: UUID, as_json: bool, gateway: Gateway) -> None:
    """Route an unroutable or rejected REFERRAL again, after the directory or a fault was corrected.

    \b
    Example:    broker retry-routing 0193...
    """
    with Ops(gateway.url, gateway.key) as ops:
        _print_result(ops.retry_routing(referral), as_json=as_json)


@click.command("redirect")
@click.argument("delivery", type=broker_id)
@click.option("--agency", help="The code of the agency to send it to.")
@click.option("--area", help="The area to whose agency to send it.")
@expect_version_option
@yes_option
@dry_run_option
@json_option
@with_gateway
def redirect(  # noqa: PLR0913  one parameter for each option
    *,
    delivery: UUID,
    agency: str | None,
    area: str | None,
    expected_version: int | None,
    is_confirmed: bool,
    is_dry_run: bool,
    as_json: bool,
    gateway: Gateway,
) -> None:
    """Send a returned or undeliverable DELIVERY to another agency. The deadline does not change.

    Prints who will see what and by when, and asks before it is redirected.

    \b
    Example:    broker redirect 0193... --area E06000051
    """
    if (agency is None) == (area is None):
        raise click.UsageError("Give either --agency or --area.")
    with Ops(gateway.url, gateway.key) as ops:
        preview = ops.preview_redirect(
            delivery, agency=agency, area=area, expected_version=expected_version
        )
        _print_preview(preview)
        if is_dry_run:
            end_dry_run()
            return
        # A script that did not say so has seen nothing: who gets it must be looked at first.
        if not is_confirmed:
            ask("Redirect it?")
        # The agency that was shown, and not the one that serves the area by now.
        result = ops.redirect(delivery, agency=preview["agency"], expected_version=expected_version)
    _print_result(result, as_json=as_json)


def _print_preview(preview: Mapping[str, Any]) -> None:
    """Say who would see what, on the error stream: the output is the result alone."""
    people = [*preview["children"], *preview["persons"]]
    lines = [
        f"{preview['agency_name']} ({preview['agency']}, {preview['agency_kind']}) will get "
        f"{preview['reference']} as {preview['role']}.",
        f"It will see of {', '.join(people) or 'no person'}, by the view {preview['view']}:",
        *(f"  {part}" for part in preview["shows"]),
        *(
            f"{name.removesuffix('_by')} by {local(at)}"
            for name, at in preview["deadlines"].items()
            if at
        ),
    ]
    for line in lines:
        click.echo(line, err=True)


def _pairs(areas: Sequence[str]) -> Mapping[str, str]:
    pairs = dict(pair.partition("=")[::2] for pair in areas)
    if not all(pairs) or not all(pairs.values()):
        raise click.UsageError("Write each as ID=AREA, such as child-1=E06000021.")
    return pairs


def _print_list(kind: str, entries: Sequence[Mapping[str, Any]]) -> None:
    heads = [name for name, value in entries[0].items() if not isinstance(value, dict | list)]
    rows = [[_cell(name, entry.get(name)) for name in heads] for entry in entries]
    print_table([head.replace("_", " ") for head in heads], rows, title=kind.replace("_", " "))


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    return local(value) if name.endswith(("_at", "_by")) or name in {"at", "since"} else str(value)


def _print_result(result: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        click.echo("done: " + ", ".join(f"{name} {value}" for name, value in result.items()))
