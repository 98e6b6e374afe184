"""Whether the broker works, at the terminal: the sentence, what else is not well, the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from referral_broker_client import Throttled, Unavailable

from broker.cli.output import print_styled
from broker.domain.codes import HealthLevel

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
"""Exit codes of commands for monitoring, as Nagios has them."""
STATE_OF: Mapping[str, int] = {
    HealthLevel.WELL.word: OK,
    HealthLevel.SOON.word: WARNING,
    HealthLevel.ATTENTION.word: WARNING,
    HealthLevel.LATE.word: CRITICAL,
    HealthLevel.FAILING.word: CRITICAL,
    HealthLevel.UNKNOWN.word: UNKNOWN,
    HealthLevel.STOPPED.word: CRITICAL,
}
COLOURS: Mapping[int, str] = {OK: "green", WARNING: "yellow", CRITICAL: "red", UNKNOWN: "red"}


def print_health(health: Mapping[str, Any]) -> None:
    """Print the worst in its colour, then what else is not well; each with what to do."""
    colour = COLOURS[STATE_OF[health["level"]]]
    print_styled(f"{health['level'].upper()}  {health['sentence']}", fg=colour, bold=True)
    for number, problem in enumerate(health["problems"]):
        if number:
            click.echo(f"  {problem['level']:<10}{problem['sentence']}")
        click.echo(f"  next: {problem['next_step']}")
    click.echo()


def unanswered(error: Unavailable) -> dict[str, Any]:
    """Return the health that a command shows while the gateway does not say any.

    The broker has stopped, as far as its callers can see; with a gateway that answers that this
    key calls too often, nothing is known.
    """
    if isinstance(error, Throttled):
        level, meaning = HealthLevel.UNKNOWN.word, "Whether the broker works is not known."
        step = "Wait a little; have fewer programs use this key at once."
    else:
        level, meaning = HealthLevel.STOPPED.word, "Nobody can publish or collect through it."
        step = "Run `broker doctor` where the gateway runs; telephone what is urgent meanwhile."
    sentence = f"{error.message} {meaning}"
    problem = {"code": "gateway", "level": level, "sentence": sentence}
    figures = dict.fromkeys(("open", "late", "due_soon", "unrouted"))
    return {
        "level": level,
        "sentence": sentence,
        "at": None,
        "problems": [{**problem, "next_step": step, "count": None}],
        "figures": figures,
    }
