"""Printing: JSON and text on standard output, progress and remarks on standard error."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from typing import Any

import click

from broker.policy.time.wall_clock import LONDON, on_the_wall

LOCAL = LONDON


def is_coloured(*, err: bool = False) -> bool:
    """Return whether colour goes to this stream: a terminal that can, and no ``NO_COLOR``."""
    stream = sys.stderr if err else sys.stdout
    can = os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    return can and stream.isatty()


def print_styled(text: str, *, err: bool = False, nl: bool = True, **style: Any) -> None:
    """Print text in a style of ``click.style``, where colour is wanted and can be shown."""
    click.secho(text, err=err, nl=nl, color=is_coloured(err=err), **style)


def print_json(value: Any) -> None:
    """Print one value as indented JSON; instants in RFC 3339, UTC."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def print_json_line(value: Any) -> None:
    """Print one value as a line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, default=_plain))


def remark(text: str) -> None:
    """Print progress or a next step on standard error."""
    click.echo(text, err=True)


def local(value: datetime | str | None) -> str:
    """Write an instant for people: weekday, date and time in the United Kingdom."""
    if value is None:
        return ""
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{instant.astimezone(LOCAL):%a %d %b %Y} {on_the_wall(instant)}"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
