"""``broker report``: figures for inspectors and managers, without content or references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from referral_broker_client import Publisher
from referral_broker_client.ops import Ops

from broker.cli.durations import format_duration
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import json_option
from broker.cli.output import local, print_json
from broker.cli.table import print_table

_NAMES = {
    "first_known_to_accepted": "first known to accepted",
    "accepted_to_available": "accepted to available",
    "available_to_collected": "to collected",
    "collected_to_acknowledged": "to acknowledged",
    "acknowledged_to_decided": "to decided",
    "accepted_to_acknowledged": "accepted to acknowledged",
    "accepted_to_decided": "accepted to decided",
}
_COUNTS = (
    *("referrals", "unrouted", "rejected", "unroutable"),
    *("legs", "held", "undeliverable", "returned", "recalled", "sent_on"),
)
_LABELS = {"legs": "deliveries", "sent_on": "redirected"}
_REFERRAL = ("id", "reference", "publisher", "state", "accepted_at", "version", "policy_version")
_STEPS = ("collected", "acknowledged")
_TOLD = (
    *("agency", "agency_name", "role", "kind", "version", "row", "view", "state", "available_at"),
    *("collected_at", "acknowledged_at", "decided_at", "returned_at", "outcome"),
)
_DECISION = ("outcome", "at", "views_considered", "child_told")
_PARTS = ("median_seconds", "p90_seconds")
_VERDICTS = ("in_time", "late", "open", "overdue", "ended", "without")


@click.group()
def report() -> None:
    """Report times and deadlines of a period. Needs a key with the scope ops."""


@report.command()
@click.option("--from", "since", required=True, help="The first day, such as 2026-12-01.")
@click.option("--to", "until", required=True, help="The last day, inclusive.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "csv", "json")),
    default="table",
    show_default=True,
)
@with_gateway
def deadlines(since: str, until: str, form: str, gateway: Gateway) -> None:
    """Show how long each stage took and which deadlines were met, for a period.

    Counts the referrals accepted in the period: all, and by grade, effective grade, agency,
    force and hour of day. docs/reports.md defines every figure.

    \b
    Example:    broker report deadlines --from 2026-12-01 --to 2026-12-31 --format csv
    """
    with Ops(gateway.url, gateway.key) as ops:
        if form == "csv":
            click.echo(ops.deadline_report_csv(since, until), nl=False)
            return
        period = ops.deadline_report(since, until)
    if form == "json":
        print_json(period)
        return
    click.echo(f"Accepted from {local(period['since'])} until before {local(period['until'])}")
    _print_counts(period["figures"])
    _print_stages(period["figures"])
    _print_deadlines(period["figures"])


@report.command("referral")
@click.argument("referral")
@json_option
@with_gateway
def referral_report(referral: str, *, as_json: bool, gateway: Gateway) -> None:
    """Say who was told about one referral, on what basis, which version, and what they answered.

    REFERRAL is its id or the publisher's reference. No content, no notes and no people's names.

    \b
    Example:    broker report referral 0193...
    """
    with Publisher(gateway.url, gateway.key) as publisher:
        status = publisher.status(referral).raw
    told_to = [_told(delivery) for delivery in status["deliveries"]]
    if as_json:
        head = {name: status[name] for name in _REFERRAL}
        print_json({**head, "deliveries": told_to})
        return
    click.echo(f"{status['reference']}  {status['state']}  accepted {local(status['accepted_at'])}")
    click.echo(f"version {status['version']}  policy {status['policy_version']}")
    print_table(
        ["agency", "role", "version", "why", "basis", "collected", "acknowledged", "decisions"],
        [_told_row(line) for line in told_to],
        title="Who was told",
    )


def _told(delivery: Mapping[str, Any]) -> dict[str, Any]:
    why = delivery["explanation"]
    decisions = [{name: made[name] for name in _DECISION} for made in delivery["decisions"]]
    basis = {name: why.get(name) for name in ("sentence", "basis", "source")}
    return {**{name: delivery[name] for name in _TOLD}, **basis, "decisions": decisions}


def _told_row(line: Mapping[str, Any]) -> list[Any]:
    return [
        line["agency_name"],
        line["role"],
        f"{line['version']} {line['kind']}",
        line["sentence"],
        line["basis"],
        *(local(line[f"{step}_at"]) if line[f"{step}_at"] else "" for step in _STEPS),
        ", ".join(f"{made['outcome']} {local(made['at'])}" for made in line["decisions"]),
    ]


def _inspection(name: str, what: str) -> click.Command:
    """Return the command for one of the reports for inspectors."""

    @click.command(name, help=f"Count {what}, for a period.")
    @click.option("--from", "since", required=True, help="The first day, such as 2026-12-01.")
    @click.option("--to", "until", required=True, help="The last day, inclusive.")
    @click.option(
        "--format",
        "form",
        type=click.Choice(("table", "csv", "json")),
        default="table",
        show_default=True,
    )
    @with_gateway
    def count(since: str, until: str, form: str, gateway: Gateway) -> None:
        with Ops(gateway.url, gateway.key) as ops:
            if form == "csv":
                click.echo(ops.inspection_report_csv(name, since, until), nl=False)
                return
            counted = ops.inspection_report(name, since, until)
        if form == "json":
            print_json(counted)
            return
        rows = [
            [_name(tally), tally["what"], tally["name"].replace("_", " "), tally["count"]]
            for tally in counted["figures"]
        ]
        print_table(["", "what", "which", "count"], rows, title=name.capitalize())

    return count


for _report, _what in (
    ("promptness", "how soon after the police first knew each step came"),
    ("voice", "whether children were heard, and what is known of them"),
    ("quality", "what was refused, rejected, corrected late or recalled"),
    ("decisions", "what agencies decided, changed, and told children"),
):
    report.add_command(_inspection(_report, _what))


def _print_counts(figures: Sequence[Mapping[str, Any]]) -> None:
    rows = [[_name(figure), *(figure[count] for count in _COUNTS)] for figure in figures]
    heads = ["", *(_LABELS.get(count, count) for count in _COUNTS)]
    print_table(heads, rows, title="How many")


def _print_stages(figures: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        [
            _name(figure),
            _NAMES[stage],
            spread["count"],
            *(format_duration(spread[part]) for part in _PARTS),
        ]
        for figure in figures
        for stage, spread in figure["stages"].items()
        if spread["count"]
    ]
    heads = ["", "stage", "count", "median", "90th percentile"]
    print_table(heads, rows, title="How long each stage took")


def _print_deadlines(figures: Sequence[Mapping[str, Any]]) -> None:
    heads = ["", "milestone", *(verdict.replace("_", " ") for verdict in _VERDICTS)]
    rows = [
        [_name(figure), milestone, *(counts[verdict] for verdict in _VERDICTS)]
        for figure in figures
        for milestone, counts in figure["deadlines"].items()
        if sum(counts.values()) > counts["without"] or figure["by"] == "all"
    ]
    print_table(heads, rows, title="Deadlines")


def _name(mapping: Mapping[str, Any]) -> str:
    if mapping["by"] == "all":
        return "all"
    of = f"{mapping['of']}:00" if mapping["by"] == "hour" else mapping["of"] or "(none)"
    return f"{mapping['by'].replace('_', ' ')} {of}"
