"""Whether the broker works, at the terminal: the sentence, what else is not well, the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

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
    click.secho(f"{health['level'].upper()}  {health['sentence']}", fg=colour, bold=True)
    for number, problem in enumerate(health["problems"]):
        if number:
            click.echo(f"  {problem['level']:<10}{problem['sentence']}")
        click.echo(f"  next: {problem['next_step']}")
    click.echo()
