"""``broker directory``: the organisations, their areas and opening hours."""

from __future__ import annotations

from typing import Any

import click

from broker.cli.database.ledger_connection import open_ledger
from broker.cli.database.policy import stored_policy
from broker.cli.exit_codes import NOT_FOUND, Failure
from broker.cli.files.lint import lint_directory
from broker.cli.options import json_option
from broker.cli.output import print_json
from broker.cli.table import print_table
from broker.policy.language.directory import Organisation
from broker.policy.time.calendars import window_said

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@click.group()
def directory() -> None:
    """Lint and show the directory of organisations."""


directory.add_command(lint_directory)


@directory.command()
@click.argument("code", required=False)
@json_option
def show(code: str | None, as_json: bool) -> None:
    """Show the organisations of the directory in force, or one by its CODE.

    \b
    Example:    broker directory show stoke-csc --json
    """
    with open_ledger() as ledger:
        organisations = stored_policy(ledger, None).directory.organisations
    shown = [
        _plain(organisation) for organisation in organisations if code in (None, organisation.code)
    ]
    if not shown:
        raise Failure(
            "the directory in force has no organisation with this code.",
            next_step="list them with `broker directory show`",
            code=NOT_FOUND,
        )
    if as_json:
        print_json(shown)
        return
    heads = ("code", "name", "kind", "nation", "channel", "areas", "open", "out_of_hours_partner")
    print_table(heads, [[_cell(row[head]) for head in heads] for row in shown])


def _plain(organisation: Organisation) -> dict[str, Any]:
    return {
        "code": organisation.code,
        "name": organisation.name,
        "kind": organisation.kind,
        "nation": organisation.nation,
        "channel": organisation.channel,
        "areas": list(organisation.areas),
        "open": _hours(organisation),
        "closures": {day.isoformat(): reason for day, reason in organisation.closures.items()},
        "out_of_hours_partner": organisation.out_of_hours_partner,
        "urn": organisation.urn,
        "from": organisation.effective_from.isoformat(),
        "until": organisation.effective_until.isoformat() if organisation.effective_until else None,
    }


def _hours(organisation: Organisation) -> str:
    """Write the opening hours: ``always``, or the weekdays with their times."""
    if organisation.always_open:
        return "always"
    days: dict[str, list[str]] = {}
    for weekday, windows in sorted(organisation.hours.items()):
        times = " and ".join(window_said(window) for window in windows)
        days.setdefault(times, []).append(WEEKDAYS[weekday])
    return "; ".join(f"{' '.join(names)} {times}" for times, names in days.items())


def _cell(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value or "")
