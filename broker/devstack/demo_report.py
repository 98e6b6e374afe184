"""The end of the demo: a table of the agencies, one referral, and the counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import click
from referral_broker_client import Publisher
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from broker.cli.referral_view import timeline_view
from broker.cli.table import console
from broker.devstack.comparison import Comparison, Evidence
from broker.devstack.delivery_times import (
    AgencyTimes,
    TimedDelivery,
    by_agency,
    timed_deliveries,
    times,
)
from broker.domain.referral import ReferralStatus

PIPE_COLUMNS = 140
NUMBERS_COLUMNS = 66
HEADS = (
    *("deliv-\neries", "col-\nlected", "acknow-\nledged", "de-\ncided"),
    *("p50\nsec", "p95\nsec", "max\nsec", "in\ntime", "late"),
)
COUNTS = (
    "published",
    "accepted",
    "rejected",
    "unroutable",
    "deliveries",
    "collected",
    "acknowledged",
    "decided",
    "lost",
)


def print_report(
    evidence: Evidence,
    comparison: Comparison,
    names: Mapping[str, str],
    police: Publisher,
    *,
    seconds: float,
) -> None:
    """Print everything; the last line is JSON."""
    screen = console(columns=PIPE_COLUMNS)
    deliveries = timed_deliveries(evidence.ledger)
    screen.print(Rule("Every agency", style="dim", align="left"))
    screen.print(_table(deliveries, names, columns=screen.width - NUMBERS_COLUMNS))
    screen.print(Rule("One referral, and why", style="dim", align="left"))
    _print_timeline(screen, evidence.ledger, police)
    screen.print(Rule("The counts", style="dim", align="left"))
    screen.print(Padding(_sums(evidence, comparison), (1, 0)))
    counts = {name: getattr(comparison, name) for name in COUNTS}
    click.echo(json.dumps({**counts, "seconds": round(seconds, 1)}))


def _table(deliveries: Sequence[TimedDelivery], names: Mapping[str, str], *, columns: int) -> Table:
    """Return a line for each agency; ``columns`` are left for its name."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), header_style="bold", show_footer=True)
    table.add_column("agency", footer="all agencies", no_wrap=True, max_width=columns)
    now = datetime.now(UTC)
    totals = _cells(times(deliveries, now=now))
    for head, total in zip(HEADS, totals, strict=True):
        table.add_column(head, footer=total, justify="right", no_wrap=True)
    for agency, line in by_agency(deliveries, now=now).items():
        table.add_row(names.get(agency, agency), *_cells(line))
    return table


def _cells(line: AgencyTimes) -> tuple[str | Text, ...]:
    counts = (line.deliveries, line.collected, line.acknowledged, line.decided)
    return (
        *(str(count) for count in counts),
        *(_seconds(wait) for wait in (line.p50, line.p95, line.slowest)),
        str(line.in_time),
        _unless_zero(line.late, "red"),
    )


def _unless_zero(count: int, style: str) -> Text:
    return Text(str(count), style=style if count else "dim")


def _seconds(wait: timedelta | None) -> str:
    return "" if wait is None else f"{wait.total_seconds():.2f}"


def _print_timeline(screen: Console, ledger: Sequence[ReferralStatus], police: Publisher) -> None:
    """Print the referral that went to most agencies, as its publisher sees it."""
    if not ledger:
        return
    chosen = max(ledger, key=lambda referral: len(referral.deliveries))
    status = police.status(chosen.id)
    events = police.timeline(chosen.id)["events"]
    screen.print(Padding(timeline_view(status.raw, events), (1, 0)))


def _sums(evidence: Evidence, comparison: Comparison) -> Text:
    text = Text()
    for line in _sentences(evidence, comparison):
        text.append("  ").append(line).append("\n")
    if not comparison.differences:
        text.append("✓ ", style="bold green")
        text.append("Ledger, agencies and feed agree on every referral and every delivery.")
    for difference in comparison.differences:
        text.append("✗ ", style="bold red").append(f"{difference}\n")
    return text


def _sentences(evidence: Evidence, comparison: Comparison) -> Sequence[str]:
    r = comparison
    parts = [f"{count} {state}" for state, count in sorted(r.states.items(), key=lambda s: -s[1])]
    return (
        f"{r.published} published = {r.accepted} accepted + {r.rejected} rejected with the reasons"
        f" ({r.refused} of them not stored)",
        f"{r.accepted} accepted = {r.accepted - r.unroutable} with their agencies"
        f" + {r.unroutable} unroutable, which ops own",
        f"{r.deliveries} deliveries = {' + '.join(parts)}",
        f"{len(evidence.repeats)} published twice on purpose: the same receipts, no duplicates",
    )
