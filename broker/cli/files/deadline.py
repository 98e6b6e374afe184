"""``broker deadline compute``: calculates a deadline with the code of routing."""

from __future__ import annotations

from datetime import datetime

import click

from broker.cli.options import json_option
from broker.cli.output import LOCAL, local, print_json
from broker.errors import PolicyError
from broker.policy.time import calendars, deadlines
from broker.shipped import POLICY

NATIONS = ("ENG", "WLS", "SCT", "NIR")


@click.group()
def deadline() -> None:
    """Calculate a deadline and explain it."""


@deadline.command()
@click.option(
    "--nation",
    required=True,
    type=click.Choice(NATIONS),
    help="For its bank holidays.",
)
@click.option(
    "--within",
    required=True,
    help='Such as "15 minutes", "4 hours", "4 working hours", "1 working day", "next school day".',
)
@click.option("--from", "start", required=True, help="Such as 2026-12-18T16:50 (UK time).")
@json_option
def compute(nation: str, within: str, start: str, as_json: bool) -> None:
    """Calculate when something is due, and explain it.

    Assumes that offices open from Monday to Friday, 09:00 to 17:00.

    \b
    Example:    broker deadline compute --nation ENG --within "4 working hours" \\
                    --from 2026-12-18T16:50
    """
    began = _instant(start)
    office = _office(nation)
    due = deadlines.exact(_within(within), start=began, calendar=office)
    edition = office.bank_holidays.edition
    if as_json:
        print_json(
            {
                "nation": nation,
                "within": within,
                "from": began.isoformat(),
                "due_at": due.due_at.astimezone(LOCAL).isoformat(),
                "explanation": due.words,
                "calendar": {
                    "version": edition.version,
                    "source": edition.source,
                    "sha256": edition.sha256,
                    "begins": edition.begins,
                    "ends": edition.ends,
                },
            }
        )
    else:
        click.echo(f"{local(due.due_at)}\n  {due.words}")
        click.echo(f"  calendar {edition.version}: {edition.source}")


def _office(nation: str) -> calendars.WorkingCalendar:
    text = (POLICY / "bank_holidays.yaml").read_text(encoding="utf-8")
    return calendars.national(nation, calendars.read_bank_holidays(text))


def _within(text: str) -> deadlines.Within:
    try:
        return deadlines.Within.parse(text)
    except PolicyError as error:
        raise click.BadParameter(error.message, param_hint="--within") from None


def _instant(text: str) -> datetime:
    """Read an instant; without an offset it is UK local time."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            "write it as 2026-12-18T16:50 or with an offset.", param_hint="--from"
        ) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=LOCAL)
