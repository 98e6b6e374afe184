"""``broker report``: figures for inspectors and managers, without content or references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from referral_broker_client import Publisher
from referral_broker_client.ops import Ops

from broker.cli.durations import format_duration
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import format_option
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
_STEPS = ("collected", "acknowledged")
_PARTS = ("median_seconds", "p90_seconds")
_GROUPS = ("all", "force", "unit", "grade", "agency", "month")
_VERDICTS = ("in_time", "late", "open", "overdue", "ended", "without")

_FORMAT = format_option("table", "csv", "json")


@click.group()
def report() -> None:
    """Report times and deadlines of a period. Needs a key with the scope ops."""


@report.command()
@click.option("--from", "since", required=True, help="The first day, such as 2026-12-01.")
@click.option("--to", "until", required=True, help="The last day, inclusive.")
@_FORMAT
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
@_FORMAT
@with_gateway
def referral_report(referral: str, form: str, *, gateway: Gateway) -> None:
    """Say who was told about one referral, on what basis, which version, and what they answered.

    REFERRAL is its id or the publisher's reference. No content, no notes and no people's names.

    \b
    Example:    broker report referral 0193...
    """
    with Publisher(gateway.url, gateway.key) as publisher:
        if form == "csv":
            click.echo(publisher.who_was_told_csv(referral), nl=False)
            return
        told_report = publisher.who_was_told(referral)
    if form == "json":
        print_json(told_report)
        return
    reference, state = told_report["reference"], told_report["state"]
    click.echo(f"{reference}  {state}  accepted {local(told_report['accepted_at'])}")
    click.echo(f"version {told_report['version']}  policy {told_report['policy_version']}")
    print_table(
        ["agency", "role", "version", "why", "basis", "collected", "acknowledged", "decisions"],
        [_told_row(line) for line in told_report["deliveries"]],
        title="Who was told",
    )


def _told_row(line: Mapping[str, Any]) -> list[Any]:
    return [
        line["agency_name"],
        line["role"],
        f"{line['version']} {line['kind']}",
        line["sentence"],
        f"{line['basis']}: {line['source']}" if line["source"] else line["basis"],
        *(local(line[f"{step}_at"]) if line[f"{step}_at"] else "" for step in _STEPS),
        ", ".join(f"{made['outcome']} {local(made['at'])}" for made in line["decisions"]),
    ]


def _inspection(name: str, what: str) -> click.Command:
    """Return the command for one of the reports for inspectors."""

    @click.command(name, help=f"Count {what}, for a period.")
    @click.option("--from", "since", required=True, help="The first day, such as 2026-12-01.")
    @click.option("--to", "until", required=True, help="The last day, inclusive.")
    @click.option("--force", help="Count only what this force sent, by its code.")
    @click.option("--by", type=click.Choice(_GROUPS), multiple=True, help="Only these groups.")
    @click.option("--trend", is_flag=True, help="Show each month of each group in the table too.")
    @_FORMAT
    @with_gateway
    def count(  # noqa: PLR0913 - each is an option of the command
        since: str,
        until: str,
        force: str | None,
        by: tuple[str, ...],
        form: str,
        *,
        trend: bool,
        gateway: Gateway,
    ) -> None:
        with Ops(gateway.url, gateway.key) as ops:
            if form == "csv":
                click.echo(ops.inspection_report_csv(name, since, until, force=force), nl=False)
                return
            counted = ops.inspection_report(name, since, until, force=force)
        if form == "json":
            print_json(counted)
            return
        lines = [
            tally
            for tally in counted["figures"]
            if tally["by"] in (by or _GROUPS) and (trend or not tally["month"])
        ]
        _print_tallies(name, lines)

    return count


def _print_tallies(name: str, lines: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        [
            f"{_name(line)} {line['month']}".rstrip(),
            line["what"].replace("_", " "),
            line["name"].replace("_", " "),
            line["count"],
        ]
        for line in lines
    ]
    print_table(["", "what", "which", "count"], rows, title=name.capitalize())


for _report, _what in (
    ("promptness", "how soon after the police first knew each step came"),
    ("voice", "whether children were heard, and what is known of them"),
    ("missing", "missing children, and how soon social care was told and a person took it"),
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
