"""``broker top``, ``watch`` and ``check``: deadlines at the terminal, and for monitoring."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import isinf

import click
from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from broker.bootstrap import utc_now
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.durations import parse_duration
from broker.cli.exit_codes import DONE, Failure
from broker.cli.health_output import COLOURS, CRITICAL, OK, STATE_OF, UNKNOWN, WARNING
from broker.cli.options import json_option
from broker.cli.output import print_json, print_json_line
from broker.cli.table import console
from broker.dashboard import wording
from broker.domain.health import Health, Signals
from broker.domain.monitoring import AtRisk
from broker.errors import Unavailable
from broker.flow.health_watch import health_of
from broker.gateway import responses
from broker.ledger.ledger import Ledger
from broker.policy.monitoring.health import judge

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
HEALTH = "health"
NEAR = ("breached", "soon")
MOST_WATCHED = 100_000
"""Far more than can be late at once, so that none is left out."""
_DUE = {"breached": "bold red", "soon": "yellow"}


@click.command()
@click.option("--every", default=2.0, show_default=True, help="Seconds between updates.")
@click.option("--once", is_flag=True, help="Print once and end, as into a pipe.")
@click.option("--exit-code", is_flag=True, help="Exit with the code of `broker check health`.")
@json_option
def top(every: float, once: bool, exit_code: bool, as_json: bool) -> int:
    """Watch queues and deadlines until Ctrl-C. Needs BROKER_DATABASE_URL.

    The first line says whether the broker works, and what does not.
    """
    with open_ledger() as ledger:
        health, terminal = health_of(ledger, now=ledger.queries.clock()), console()
        if as_json or once or not terminal.is_terminal:
            if as_json:
                print_json(_summary(ledger, health))
            else:
                terminal.print(_render(ledger, health))
            return STATE_OF[health.level.word] if exit_code else DONE
        _follow(ledger, terminal, every)
    return DONE


def _follow(ledger: Ledger, terminal: Console, every: float) -> None:
    """Show what is open until Ctrl-C. While the ledger does not answer, show that."""
    with Live(console=terminal, screen=True, auto_refresh=False) as live:
        while True:
            try:
                now = ledger.queries.clock()
                live.update(_render(ledger, health_of(ledger, now=now)), refresh=True)
            except Unavailable:
                lost = judge(Signals(at=utc_now(), ledger=False))
                live.update(Group(*_sentences(lost, "")), refresh=True)
            time.sleep(max(0.5, every))


@click.group()
def watch() -> None:
    """Follow something until Ctrl-C. Needs BROKER_DATABASE_URL."""


@watch.command()
@click.option("--within", default="15m", show_default=True, help="Due within this: 90s, 15m, 4h.")
@click.option("--once", is_flag=True, help="List once and end.")
@json_option
def deadlines(within: str, once: bool, as_json: bool) -> None:
    """Print each delivery when it comes within a time of its deadline, and when it is late.

    With --json one object a line, so that another program can follow it.

    \b
    Example:    broker watch deadlines --within 15m
    """
    span, printed = parse_duration(within), set[tuple[object, ...]]()
    with open_ledger() as ledger:
        while True:
            now = ledger.queries.clock()
            listed = ledger.monitoring.at_risk(now=now, within=span, limit=MOST_WATCHED)
            near = [item for item in listed if item.why in NEAR]
            # A live view is read from its end; a list begins with the earliest deadline.
            for item in near if once else reversed(near):
                key = (item.referral, item.delivery, item.milestone, item.due_at, item.why)
                if key not in printed:
                    printed.add(key)
                    _print_item(item, now, as_json=as_json)
            if once:
                return
            time.sleep(1)


def _print_item(at_risk: AtRisk, now: datetime, *, as_json: bool) -> None:
    if as_json:
        print_json_line(
            {
                "referral": at_risk.referral,
                "delivery": at_risk.delivery,
                "agency": at_risk.agency,
                "milestone": at_risk.milestone,
                "due_at": at_risk.due_at,
                "why": at_risk.why,
                "state": at_risk.state,
            }
        )
        return
    left = wording.left(at_risk.due_at, now)
    click.echo(
        f"{left:<16} {at_risk.milestone:<12} {at_risk.agency or 'ops':<24} {at_risk.reference}"
    )


@dataclass(frozen=True, slots=True)
class Measure:
    """What a check measured, in seconds; None when there is nothing to measure."""

    seconds: float | None
    detail: str
    missing: int = OK
    """The state when there is nothing to measure."""


class Misused(click.UsageError):
    """Wrong usage of a command for monitoring is *unknown*: 2 would mean critical."""

    exit_code = UNKNOWN


class Plugin(click.Command):
    """A command for monitoring."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise Misused(error.format_message(), ctx) from None


@click.command(cls=Plugin)
@click.argument("figure", type=click.Choice(["health", "oldest", "latency", "silence", "sweeper"]))
@click.option("--warn", help="The limit for a warning: 90s, 15m, 4h. Not for health.")
@click.option("--crit", help="The limit for critical. Not for health.")
@click.option("--agency", help="Only this agency.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["nagios", "json", "prometheus"]),
    default="nagios",
    show_default=True,
)
def check(figure: str, warn: str | None, crit: str | None, agency: str | None, form: str) -> int:
    """Compare a figure with limits, for monitoring. Exits 0 ok, 1 warning, 2 critical, 3 unknown.

    health: the worst of everything that must work, which needs no limits; oldest: the longest time
    that a delivery waits to be acknowledged; latency: p95 to acknowledge over 24 hours; silence:
    the longest time since an agency with work connected; sweeper: how long no worker has led the
    sweep.

    \b
    Example:    broker check oldest --warn 30m --crit 1h --format nagios
    """
    if figure == HEALTH:
        return _check_health(form, is_limited=bool(warn or crit or agency))
    if warn is None or crit is None:
        raise Misused(f"'{figure}' needs --warn and --crit.")
    limits = _limits(warn, crit)
    measure = _measured(figure, agency)
    state = _judge(measure, *limits)
    _print(figure, measure, state, limits, form)
    return state


def _check_health(form: str, *, is_limited: bool) -> int:
    """Print the worst of everything; what cannot be read is unknown, and never ok."""
    if is_limited:
        raise Misused("'health' takes neither limits nor an agency.")
    try:
        with open_ledger() as ledger:
            health = health_of(ledger, now=ledger.queries.clock())
    except Unavailable:
        health = judge(Signals(at=utc_now(), ledger=False))
    except Failure as failure:
        raise Failure(failure.message, next_step=failure.next_step, code=UNKNOWN) from None
    state = STATE_OF[health.level.word]
    if form == "json":
        print_json({"check": HEALTH, "state": STATES[state].lower(), **responses.health(health)})
    elif form == "prometheus":
        _print_metrics(HEALTH, Measure(None, health.sentence), state)
    else:
        others = " ".join(problem.sentence for problem in health.rest)
        click.echo(f"HEALTH {STATES[state]} - {health.sentence} {others}".rstrip())
    return state


def _limits(warn: str, crit: str) -> tuple[float, float]:
    try:
        limits = parse_duration(warn).total_seconds(), parse_duration(crit).total_seconds()
        if limits[0] > limits[1]:
            raise click.UsageError("--warn is above --crit.")
    except click.UsageError as error:
        raise Misused(error.message) from None
    return limits


def _measured(figure: str, agency: str | None) -> Measure:
    """Return the measure; what cannot be measured is unknown, and never ok."""
    try:
        with open_ledger() as ledger:
            if agency is not None and agency not in ledger.monitoring.organisation_status():
                return Measure(None, f"there is no agency {agency}", UNKNOWN)
            return _MEASURES[figure](ledger, ledger.queries.clock(), agency)
    except Unavailable:
        return Measure(None, "the ledger cannot be reached; run `broker doctor`", UNKNOWN)
    except Failure as failure:
        raise Failure(failure.message, next_step=failure.next_step, code=UNKNOWN) from None


def _judge(measure: Measure, warn: float, crit: float) -> int:
    if measure.seconds is None:
        return measure.missing
    return CRITICAL if measure.seconds >= crit else WARNING if measure.seconds >= warn else OK


def _print(
    figure: str, measure: Measure, state: int, limits: tuple[float, float], form: str
) -> None:
    if form == "json":
        result = {"check": figure, "state": STATES[state].lower(), "seconds": measure.seconds}
        print_json({**result, "warn": limits[0], "crit": limits[1], "detail": measure.detail})
    elif form == "prometheus":
        _print_metrics(figure, measure, state)
    else:
        data = (
            ""
            if measure.seconds is None
            else (f" | {figure}={measure.seconds:.1f}s;{limits[0]:g};{limits[1]:g};0")
        )
        click.echo(f"{figure.upper()} {STATES[state]} - {measure.detail}{data}")


def _print_metrics(figure: str, measure: Measure, state: int) -> None:
    """Print a file for Prometheus's node exporter (its textfile collector)."""
    click.echo("# HELP broker_check_state 0 ok, 1 warning, 2 critical, 3 unknown.")
    click.echo("# TYPE broker_check_state gauge")
    click.echo(f'broker_check_state{{check="{figure}"}} {state}')
    if measure.seconds is not None:
        click.echo("# HELP broker_check_seconds What was compared with the limits.")
        click.echo("# TYPE broker_check_seconds gauge")
        click.echo(f'broker_check_seconds{{check="{figure}"}} {measure.seconds:.3f}')


def _oldest(ledger: Ledger, now: datetime, agency: str | None) -> Measure:
    waits = [
        ((now - work.oldest_unacknowledged_at).total_seconds(), work.agency)
        for work in ledger.monitoring.open_work(now=now, agency=agency).values()
        if work.oldest_unacknowledged_at
    ]
    if not waits:
        return Measure(None, "nothing waits to be acknowledged")
    seconds, oldest = max(waits)
    return Measure(seconds, f"{oldest} has not acknowledged for {wording.duration(seconds)}")


def _latency(ledger: Ledger, now: datetime, agency: str | None) -> Measure:
    latencies = ledger.statistics.latencies(
        ("24h",), now=now, agency=agency, milestone="acknowledge"
    )["24h"]
    times = [(latency.percentile(95) or 0.0, code) for (code, _), latency in latencies.items()]
    if not times:
        return Measure(None, "nothing was acknowledged in 24 hours")
    seconds, slowest = max(times)
    return Measure(seconds, f"p95 of {slowest} is {wording.duration(seconds)}")


def _silence(ledger: Ledger, now: datetime, agency: str | None) -> Measure:
    presences = ledger.monitoring.organisation_status()
    silent = []
    for code, work in ledger.monitoring.open_work(now=now, agency=agency).items():
        since = presences[code].seen_at or work.oldest_claimable_at
        if work.oldest_claimable_at and since:
            silent.append(((now - since).total_seconds(), code))
    if not silent:
        return Measure(None, "no agency has anything to collect")
    seconds, quietest = max(silent)
    return Measure(seconds, f"{quietest} was last seen {wording.duration(seconds)} ago")


def _sweeper(ledger: Ledger, now: datetime, _: str | None) -> Measure:
    seconds = ledger.monitoring.pipeline_status(now=now).seconds_unswept(now)
    if isinf(seconds):
        return Measure(None, "no worker has ever led the sweep", CRITICAL)
    if seconds <= 0:
        return Measure(0.0, "a worker leads the sweep")
    return Measure(seconds, f"no worker led for {wording.duration(seconds)}")


_MEASURES: dict[str, Callable[[Ledger, datetime, str | None], Measure]] = {
    "oldest": _oldest,
    "latency": _latency,
    "silence": _silence,
    "sweeper": _sweeper,
}


def _summary(ledger: Ledger, health: Health) -> dict[str, object]:
    now = health.signals.at
    counts = ledger.monitoring.risk_counts(now=now)
    return {
        "at": now,
        "health": responses.health(health),
        "open": counts.open,
        "unrouted": counts.unrouted,
        "breached": counts.breached,
        "due_soon": counts.due_soon,
        "bands": ledger.monitoring.burn_down(now=now),
        "queues": [
            {
                "agency": work.agency,
                "open": work.open,
                "overdue": work.overdue,
                "oldest_claimable_at": work.oldest_claimable_at,
                "oldest_unacknowledged_at": work.oldest_unacknowledged_at,
            }
            for work in ledger.monitoring.open_work(now=now).values()
        ],
    }


def _render(ledger: Ledger, health: Health) -> Group:
    now = health.signals.at
    names = {
        str(presence.agency): presence.name
        for presence in ledger.monitoring.organisation_status().values()
    }
    risks = ledger.monitoring.at_risk(now=now, limit=12)
    urgent = wording.most_urgent(risks[0] if risks else None, names, now)
    sentences = _sentences(health, urgent)
    tables = (_risks(risks, now), _queues(ledger, now))
    return Group(*sentences, *(Padding(part, (1, 0, 0, 0)) for part in tables))


def _sentences(health: Health, urgent: str) -> list[Text]:
    """Return the worst in its colour, then what else is not well."""
    colour = COLOURS[STATE_OF[health.level.word]]
    worst = f"{health.level.word.upper()}  {health.sentence}"
    others = [f"{problem.level.word:<10}{problem.sentence}" for problem in health.rest]
    return [Text(worst, style=f"bold {colour}"), *map(Text, filter(None, [*others, urgent]))]


def _risks(risks: list[AtRisk], now: datetime) -> Table:
    table = Table(
        box=None, pad_edge=False, title="At risk, earliest deadline first", title_justify="left"
    )
    for head in ("due", "referral", "agency", "next step", "state"):
        table.add_column(head)
    for risk in risks:
        due = Text(wording.left(risk.due_at, now), style=_DUE.get(risk.why, ""))
        table.add_row(due, risk.reference, risk.agency or "ops", risk.milestone, risk.state)
    return table


def _queues(ledger: Ledger, now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, title="Queues", title_justify="left")
    for head in ("agency", "open", "late", "oldest claimable", "oldest unacknowledged"):
        table.add_column(head, justify="left" if head == "agency" else "right")
    for work in sorted(
        ledger.monitoring.open_work(now=now).values(), key=lambda work: (-work.overdue, -work.open)
    ):
        ages = (work.oldest_claimable_at, work.oldest_unacknowledged_at)
        cells = [wording.age(at, now) for at in ages]
        table.add_row(work.agency, str(work.open), str(work.overdue), *cells)
    return table
