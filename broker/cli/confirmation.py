"""Before something that hurts: say what it does, ask at a terminal, or only say it (a dry run)."""

from __future__ import annotations

import sys

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


def confirm(effect: str, question: str, *, is_confirmed: bool, is_dry_run: bool) -> bool:
    """Say what happens next, and return whether to go on: not in a dry run.

    Asks at a terminal without ``--yes``; a script has nobody to ask. Raises Failure on a no.
    """
    remark(effect)
    if is_dry_run:
        remark("Dry run: nothing was changed.")
        return False
    if not is_confirmed and sys.stdin.isatty() and not click.confirm(question, err=True):
        raise Failure("not confirmed: nothing was changed.")
    return True
