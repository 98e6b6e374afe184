"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON of a stable shape (docs/cli.md)."
)
reason_option: Decorator = click.option(
    "--reason", required=True, help="Why. Others read it in the history."
)
expect_version_option: Decorator = click.option(
    "--expect-version",
    "expected_version",
    type=click.IntRange(1, 1_000_000),
    help="The version of the referral that you read; refused if it was corrected since.",
)
by_option: Decorator = click.option("--by", required=True, help="Your name, for the history.")


def broker_id(text: str) -> UUID:
    """Read an id that the broker gave: the type of an argument. Raises BadParameter."""
    try:
        return UUID(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no id. An id has 36 characters, such as "
            "01977f2e-6b10-7d22-9b02-1b2c3d4e5f60; copy it from the list that shows it."
        ) from None


class Listing(click.Group):
    """A group whose command ``list`` is called by ``ls`` too."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name."""
        return super().get_command(ctx, "list" if cmd_name == "ls" else cmd_name)


def format_option(*forms: str) -> Decorator:
    """Return ``--format`` with these forms, the first by default; ``--json`` is one of them."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--format", "form", type=click.Choice(forms), default=forms[0], show_default=True
        )
        @click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
        @wraps(command)
        def wrapped(*args: Any, form: str, as_json: bool, **kwargs: Any) -> Any:
            return command(*args, form="json" if as_json else form, **kwargs)

        return wrapped

    return decorated
