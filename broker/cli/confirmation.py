"""Before something that hurts: say what it does, ask at a terminal, or only say it (a dry run)."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from broker.cli.exit_codes import Failure
from broker.cli.options import Decorator
from broker.cli.output import remark

yes_option: Decorator = click.option(
    "--yes", "is_confirmed", is_flag=True, help="Do not ask before it is done."
)
dry_run_option: Decorator = click.option(
    "--dry-run", "is_dry_run", is_flag=True, help="Say what it would do; change nothing."
)


def confirm(
    effect: Callable[[], str], question: str, *, is_confirmed: bool, is_dry_run: bool
) -> bool:
    """Return whether to go on: not in a dry run.

    At a terminal it says the ``effect`` and asks, unless ``--yes`` was given; a script has nobody
    to ask. Raises Failure on a no.
    """
    must_ask = sys.stdin.isatty() and not is_confirmed
    if is_dry_run or must_ask:
        remark(effect())
    if is_dry_run:
        end_dry_run()
        return False
    if must_ask:
        ask(question)
    return True


def end_dry_run() -> None:
    """Say that what was shown was not done."""
    remark("Dry run: nothing was changed.")


def ask(question: str) -> None:
    """Ask on standard error. Raises Failure on a no, and where nobody can answer."""
    try:
        is_confirmed = click.confirm(question, err=True)
    except click.Abort:
        remark("")
        is_confirmed = False
    if not is_confirmed:
        raise Failure("not confirmed: nothing was changed.", next_step="add --yes to do it")
