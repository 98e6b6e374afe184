"""Check the documents of a policy, for ``broker policy lint`` and ``broker directory lint``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from broker.cli.exit_codes import DONE, INVALID, Failure
from broker.cli.output import print_json
from broker.policy.published.lint import lint
from broker.policy.published.policy import documents_from
from broker.shipped import POLICY

DIRECTORY = "directory.yaml"

folder_argument: Callable[[Callable[..., Any]], Callable[..., Any]] = click.argument(
    "folder",
    required=False,
    envvar="BROKER_POLICY_DIR",
    default=POLICY,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)


def lint_folder(folder: Path, *, as_json: bool, only: str = "") -> int:
    """Tell every fault in a folder's documents, or in one of them, and return the exit code."""
    faults = [one for one in lint(documents_from(folder)) if one.pointer.startswith(only)]
    if as_json:
        told = [{"where": f.pointer, "code": f.code, "message": f.message} for f in faults]
        print_json({"folder": folder, "ok": not faults, "faults": told})
        return INVALID if faults else DONE
    for fault in faults:
        click.echo(f"{fault.pointer}: {fault.message} [{fault.code}]")
    if faults:
        raise Failure(
            f"{len(faults)} faults in {folder}.",
            next_step="correct the named lines and check again",
            code=INVALID,
        )
    click.echo(f"{folder}: no faults")
    return DONE
