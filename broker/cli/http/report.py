"""``broker report``: figures for inspectors and managers, without content or references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from referral_broker_client.ops import Ops

from broker.cli.http.access import Gateway, with_gateway
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
_PARTS = ("median_seconds", "p90_seconds")
_VERDICTS = ("in_time", "late", "open", "overdue", "ended", "without")


@click.group()
def report() -> None:
    """Figures of a stretch of time. Needs a key with the scope ops."""


@report.command()
@click.option("--from", "since", required=True, help="The first day, such as 2026-12-01.")
@click.option("--to", "until", required=True, help="The last day, counted whole.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "csv", "json")),
    default="table",
    show_default=True,
)
@with_gateway
def deadlines(since: str, until: str, form: str, gateway: Gateway) -> None:
    """Say how long each stage took and what was in time, of what was accepted in a stretch.

    As a whole and by grade, effective grade, agency, force and hour of day. Every figure is
    defined in docs/reports.md.

    \b
    Example:    broker report deadlines --from 2026-12-01 --to 2026-12-31 --format csv
    """
    with Ops(gateway.url, gateway.key) as ops:
        if form == "csv":
            click.echo(ops.deadline_report_csv(since, until), nl=False)
            return
        found = ops.deadline_report(since, until)
    if form == "json":
        print_json(found)
        return
    click.echo(f"Accepted from {local(found['since'])} until before {local(found['until'])}")
    _print_counts(found["figures"])
    _print_stages(found["figures"])
    _print_deadlines(found["figures"])


def _print_counts(figures: Sequence[Mapping[str, Any]]) -> None:
    rows = [[_name(figure), *(figure[count] for count in _COUNTS)] for figure in figures]
    heads = ["", *(count.replace("_", " ") for count in _COUNTS)]
    print_table(heads, rows, title="How many")


def _print_stages(figures: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        [_name(figure), _NAMES[stage], spread["count"], *(length(spread[part]) for part in _PARTS)]
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
    print_table(heads, rows, title="What became of the deadlines")


def _name(mapping: Mapping[str, Any]) -> str:
    if mapping["by"] == "all":
        return "all"
    of = f"{mapping['of']}:00" if mapping["by"] == "hour" else mapping["of"] or "(none)"
    return f"{mapping['by'].replace('_', ' ')} {of}"


def length(seconds: float) -> str:
    """Write a length of time in the two units that matter: ``2 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24} h"
