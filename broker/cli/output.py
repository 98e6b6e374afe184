"""Printing: JSON and text on standard output, progress and remarks on standard error."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

LOCAL = ZoneInfo("Europe/London")


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
    return f"{instant.astimezone(LOCAL):%a %d %b %Y %H:%M}"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
