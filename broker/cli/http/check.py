"""``broker check``: one figure compared with limits, for monitoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click
from referral_broker_client import ClientError, NotFound, Unavailable
from referral_broker_client.ops import Ops

from broker.cli.durations import parse_duration
from broker.cli.error_report import advice
from broker.cli.exit_codes import Failure
from broker.cli.health_output import CRITICAL, OK, STATE_OF, UNKNOWN, WARNING, unanswered
from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import format_option
from broker.cli.output import print_json
from broker.dashboard.wording import duration

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
HEALTH = "health"


@dataclass(frozen=True, slots=True)
class Measure:
    """What a check measured, in seconds; None when there is nothing to measure."""

    seconds: float | None
    detail: str
    missing: int = OK
    """The state when there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What a figure means in words."""

    worst: Callable[[str, str], str]
    """Gives the sentence for a length of time and an agency."""
    nothing: str
    missing: int = OK


_WORDS: Mapping[str, Wording] = {
    "oldest": Wording(
        lambda span, agency: f"{agency} has not acknowledged for {span}",
        "nothing waits to be acknowledged",
    ),
    "latency": Wording(
        lambda span, agency: f"p95 of {agency} is {span}", "nothing was acknowledged in 24 hours"
    ),
    "silence": Wording(
        lambda span, agency: f"{agency} was last seen {span} ago",
        "no agency has anything to collect",
    ),
    "sweeper": Wording(
        lambda span, _: f"no worker led for {span}", "no worker has ever led the sweep", CRITICAL
    ),
}


class Misused(click.UsageError):
    """Wrong usage of a command for monitoring is *unknown*: 2 would mean critical."""

    exit_code = UNKNOWN


class Plugin(click.Command):
    """A command for monitoring: whatever keeps it from an answer is *unknown*."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise Misused(error.format_message(), ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            raise Failure(failure.message, next_step=failure.next_step, code=UNKNOWN) from None


@click.command(cls=Plugin)
@click.argument("figure", type=click.Choice([HEALTH, *_WORDS]))
@click.option("--warn", help="The limit for a warning: 90s, 15m, 4h. Not for health.")
@click.option("--crit", help="The limit for critical. Not for health.")
@click.option("--agency", help="Only this agency. Not for health and sweeper.")
@format_option("nagios", "json", "prometheus")
@with_gateway
def check(
    *,
    figure: str,
    warn: str | None,
    crit: str | None,
    agency: str | None,
    form: str,
    gateway: Gateway,
) -> int:
    """Compare a figure with limits, for monitoring. Exits 0 ok, 1 warning, 2 critical, 3 unknown.

    health: the worst of everything that must work, which needs no limits; oldest: the longest time
    that a delivery waits to be acknowledged; latency: p95 to acknowledge over 24 hours; silence:
    the longest time since an agency with work connected; sweeper: how long no worker has led the
    sweep. Needs a key for ops.

    \b
    Example:    broker check oldest --warn 30m --crit 1h --format nagios
    """
    if figure == HEALTH:
        if warn or crit or agency:
            raise Misused("'health' takes neither limits nor an agency.")
        return _check_health(gateway, form)
    if warn is None or crit is None:
        raise Misused(f"'{figure}' needs --warn and --crit.")
    limits = _limits(warn, crit)
    measure = _measured(gateway, figure, agency)
    state = _judge(measure, *limits)
    _print(figure, measure, state, limits, form)
    return state


def _check_health(gateway: Gateway, form: str) -> int:
    """Print the worst of everything. A gateway that does not answer is critical."""
    try:
        with Ops(gateway.url, gateway.key) as ops:
            health = ops.monitoring.health()
    except Unavailable as error:
        health = unanswered(error)
    except ClientError as error:
        raise _unknown(error) from None
    state = STATE_OF[health["level"]]
    if form == "json":
        print_json({"check": HEALTH, "state": STATES[state].lower(), **health})
    elif form == "prometheus":
        _print_metrics(HEALTH, Measure(None, health["sentence"]), state)
    else:
        others = " ".join(problem["sentence"] for problem in health["problems"][1:])
        click.echo(f"HEALTH {STATES[state]} - {health['sentence']} {others}".rstrip())
    return state


def _limits(warn: str, crit: str) -> tuple[float, float]:
    try:
        limits = parse_duration(warn).total_seconds(), parse_duration(crit).total_seconds()
        if limits[0] > limits[1]:
            raise click.UsageError("--warn is above --crit.")
    except click.UsageError as error:
        raise Misused(error.message) from None
    return limits


def _measured(gateway: Gateway, figure: str, agency: str | None) -> Measure:
    """Return the measure; what cannot be measured is unknown, and never ok."""
    try:
        with Ops(gateway.url, gateway.key) as ops:
            measure = ops.monitoring.measures(agency)[figure]
    except NotFound as error:
        if agency is None:  # the address is not a gateway's
            raise _unknown(error) from None
        return Measure(None, f"there is no agency {agency}", UNKNOWN)
    except Unavailable as error:
        return Measure(None, error.message, UNKNOWN)
    except ClientError as error:
        raise _unknown(error) from None
    words, seconds = _WORDS[figure], measure["seconds"]
    if seconds is None:
        return Measure(None, words.nothing, words.missing)
    if figure == "sweeper" and not seconds:
        return Measure(0.0, "a worker leads the sweep")
    return Measure(seconds, words.worst(duration(seconds), measure["agency"] or ""))


def _unknown(error: ClientError) -> Failure:
    """Return the failure for an answer from which nothing is known: a wrong key, for example."""
    return Failure(error.message, next_step=advice(error)[0], code=UNKNOWN)


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
