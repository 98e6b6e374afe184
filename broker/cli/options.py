"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON of a stable shape (docs/cli.md)."
)
reason_option: Decorator = click.option(
    "--reason", required=True, help="Why. Others read it in the history."
)
by_option: Decorator = click.option("--by", required=True, help="Your name, for the history.")
