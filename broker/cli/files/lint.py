"""``broker policy lint`` and ``broker directory lint``: check the documents of a policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from broker.channels.registry import CHANNELS
from broker.cli.exit_codes import DONE, INVALID, Failure
from broker.cli.options import json_option
from broker.cli.output import print_json, remark
from broker.policy.published.lint import lint as find_faults
from broker.policy.published.lint import remarks
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


@click.command("lint")
@folder_argument
@json_option
def lint_policy(folder: Path, as_json: bool) -> int:
    """Check the policy, the views and the directory in FOLDER.

    \b
    Example:    broker policy lint policies/england
    """
    return _lint(folder, as_json=as_json)


@click.command("lint")
@folder_argument
@json_option
def lint_directory(folder: Path, as_json: bool) -> int:
    """Check the directory in FOLDER.

    \b
    Example:    broker directory lint policies/england
    """
    return _lint(folder, as_json=as_json, only=DIRECTORY)


def _lint(folder: Path, *, as_json: bool, only: str = "") -> int:
    """Print every fault in a folder's documents, or in one of them, and return the exit code."""
    documents = documents_from(folder)
    faults = [
        fault
        for fault in find_faults(documents, channels=CHANNELS.forms)
        if fault.pointer.startswith(only)
    ]
    notes = remarks(documents, channels=CHANNELS.forms)
    if as_json:
        listed = [{"where": f.pointer, "code": f.code, "message": f.message} for f in faults]
        print_json({"folder": folder, "ok": not faults, "faults": listed, "remarks": notes})
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
    for note in notes:
        remark(note)
    return DONE
