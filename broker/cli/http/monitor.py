"""``broker top`` and ``watch``: queues and deadlines at the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import click
from referral_broker_client import ClientError, Unavailable
from referral_broker_client.ops import Ops
from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from broker.cli.durations import parse_duration
from broker.cli.error_report import advice
from broker.cli.exit_codes import DONE, Failure
from broker.cli.health_output import COLOURS, STATE_OF, UNKNOWN, unanswered
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import json_option
from broker.cli.output import print_json, print_json_line, remark
from broker.cli.table import console
from broker.dashboard import wording
from broker.domain.monitoring import AtRisk

Json = Mapping[str, Any]
NEAR = ("breached", "soon")
MOST_WATCHED = 10_000
"""The most that the gateway lists at once: more than is late on a bad day."""
SHOWN = 12
WATCH_SECONDS = 2
_DUE = {"breached": "bold red", "soon": "yellow"}
_PRINTED = ("referral", "delivery", "agency", "milestone", "due_at", "why", "state")


@click.command()
@click.option("--every", default=2.0, show_default=True, help="Seconds between updates.")
@click.option("--once", is_flag=True, help="Print once and end, as into a pipe.")
@click.option("--exit-code", is_flag=True, help="Exit with the code of `broker check health`.")
@json_option
@with_gateway
def top(*, every: float, once: bool, exit_code: bool, as_json: bool, gateway: Gateway) -> int:
    """Watch queues and deadlines until Ctrl-C. Needs a key for ops.

    The first line says whether the broker works, and what does not.

    \b
    Example:    broker top --once
    """
    terminal = console()
    with Ops(gateway.url, gateway.key) as ops:
        if not (as_json or once) and terminal.is_terminal and not terminal.is_dumb_terminal:
            _follow(ops, terminal, every)
        seen = _picture(ops, exit_code=exit_code)
    if as_json:
        print_json(seen)
    else:
        terminal.print(_render(seen))
    return STATE_OF[seen["health"]["level"]] if exit_code else DONE


def _picture(ops: Ops, *, exit_code: bool) -> Json:
    """Return what is open. With ``exit_code`` a failure ends as ``broker check health`` would."""
    try:
        return ops.monitoring.monitor()
    except ClientError as error:
        if not exit_code:
            raise
        level = unanswered(error)["level"] if isinstance(error, Unavailable) else None
        state = STATE_OF[level] if level else UNKNOWN
        raise Failure(error.message, next_step=advice(error)[0], code=state) from None


def _follow(ops: Ops, terminal: Console, every: float) -> None:
    """Show what is open until Ctrl-C. While the gateway does not answer, show that."""
    with Live(console=terminal, screen=True, auto_refresh=False) as live:
        while True:
            try:
                live.update(_render(ops.monitoring.monitor()), refresh=True)
            except Unavailable as error:
                live.update(Group(*_sentences(unanswered(error), "")), refresh=True)
            time.sleep(max(0.5, every))


@click.group()
def watch() -> None:
    """Follow something until Ctrl-C. Needs a key for ops."""


@watch.command()
@click.option("--within", default="15m", show_default=True, help="Due within this: 90s, 15m, 4h.")
@click.option("--once", is_flag=True, help="List once and end.")
@json_option
@with_gateway
def deadlines(within: str, once: bool, as_json: bool, gateway: Gateway) -> None:
    """Print each delivery when it comes within a time of its deadline, and when it is late.

    With --json one object a line, so that another program can follow it.

    \b
    Example:    broker watch deadlines --within 15m
    """
    span, printed = parse_duration(within).total_seconds(), set[tuple[object, ...]]()
    with Ops(gateway.url, gateway.key) as ops:
        for listed in [_near(ops, span)] if once else _looks(ops, span):
            now = datetime.fromisoformat(listed["at"])
            near = [item for item in listed["deadlines"] if item["why"] in NEAR]
            # A live view is read from its end; a list begins with the earliest deadline.
            for item in near if once else reversed(near):
                key = tuple(item[name] for name in _PRINTED[:-1])
                if key not in printed:
                    printed.add(key)
                    _print_item(item, now, as_json=as_json)


def _near(ops: Ops, span: float) -> Json:
    listed = ops.monitoring.deadlines(within=span, limit=MOST_WATCHED)
    if len(listed["deadlines"]) >= MOST_WATCHED:
        remark(f"The {MOST_WATCHED} earliest deadlines; there are more.")
    return listed


def _looks(ops: Ops, span: float) -> Iterator[Json]:
    """Read what is near every other second. Say it when the gateway stops and starts to answer."""
    is_lost = False
    while True:
        try:
            listed = _near(ops, span)
        except Unavailable as error:
            if not is_lost:
                remark(f"{error.message} Trying again; no deadline is shown meanwhile.")
            is_lost = True
        else:
            if is_lost:
                remark("The gateway answers again.")
            is_lost = False
            yield listed
        time.sleep(WATCH_SECONDS)


def _print_item(item: Json, now: datetime, *, as_json: bool) -> None:
    if as_json:
        print_json_line({name: item[name] for name in _PRINTED})
        return
    left = wording.left(datetime.fromisoformat(item["due_at"]), now)
    agency = item["agency"] or "ops"
    click.echo(f"{left:<16} {item['milestone']:<12} {agency:<24} {item['reference']}")


def _render(seen: Json) -> Group:
    now = datetime.fromisoformat(seen["at"])
    risks = [_at_risk(item) for item in seen["at_risk"][:SHOWN]]
    names = {item["agency"]: item["agency_name"] for item in seen["at_risk"] if item["agency"]}
    urgent = wording.most_urgent(risks[0] if risks else None, names, now)
    tables = [_risks(risks, now)] if risks else []
    tables += [_queues(seen["queues"], now)] if seen["queues"] else []
    sentences = _sentences(seen["health"], urgent)
    return Group(*sentences, *(Padding(part, (1, 0, 0, 0), expand=False) for part in tables))


def _at_risk(item: Json) -> AtRisk:
    values = {field.name: item[field.name] for field in fields(AtRisk)}
    return AtRisk(**{**values, "due_at": datetime.fromisoformat(item["due_at"])})


def _sentences(health: Json, urgent: str) -> list[Text]:
    """Return the worst in its colour, then what else is not well."""
    colour = COLOURS[STATE_OF[health["level"]]]
    worst = f"{health['level'].upper()}  {health['sentence']}"
    others = [f"{problem['level']:<10}{problem['sentence']}" for problem in health["problems"][1:]]
    return [Text(worst, style=f"bold {colour}"), *map(Text, filter(None, [*others, urgent]))]


def _risks(risks: Sequence[AtRisk], now: datetime) -> Table:
    table = Table(
        box=None, pad_edge=False, title="At risk, earliest deadline first", title_justify="left"
    )
    for head in ("due", "referral", "agency", "next step", "state"):
        table.add_column(head, no_wrap=head == "referral")
    for risk in risks:
        due = Text(wording.left(risk.due_at, now), style=_DUE.get(risk.why, ""))
        agency = Text(risk.agency or "ops")
        table.add_row(due, Text(risk.reference), agency, risk.milestone, risk.state)
    return table


def _queues(queues: Sequence[Json], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, title="Queues", title_justify="left")
    for head in ("agency", "open", "late", "oldest claimable", "oldest unacknowledged"):
        table.add_column(head, justify="left" if head == "agency" else "right")
    for queue in queues:
        ages = (queue["oldest_claimable_at"], queue["oldest_unacknowledged_at"])
        cells = [wording.age(at and datetime.fromisoformat(at), now) for at in ages]
        table.add_row(queue["agency"], str(queue["open"]), str(queue["overdue"]), *cells)
    return table
