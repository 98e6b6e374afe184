"""``broker directory set``, ``history`` and ``import-schools``: change single organisations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import yaml

from broker.admin import school_register
from broker.admin.directory_changes import Changed, DirectoryChanges
from broker.admin.school_register import Plan
from broker.channels.registry import CHANNELS
from broker.cli.confirmation import confirm, dry_run_option, yes_option
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.exit_codes import DONE, INVALID, Failure
from broker.cli.options import by_option, json_option, reason_option
from broker.cli.output import local, print_json, remark
from broker.cli.table import print_table
from broker.domain.ids import OrganisationCode
from broker.errors import Fault
from broker.flow.policy_cache import PolicyCache
from broker.ledger.directory import ChangeContext, NewVersion
from broker.ledger.ledger import Ledger
from broker.policy.language.directory_reader import read_entry

SHOWN = 20
"""Refused schools that are printed with what is wrong."""
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@contextmanager
def _changes() -> Iterator[tuple[Ledger, DirectoryChanges]]:
    """Open the ledger, and return how organisations are changed in it."""
    with open_ledger() as ledger:
        policies = PolicyCache(ledger, CHANNELS.forms)
        yield ledger, DirectoryChanges(ledger, policies)


def print_entry(code: str | None) -> None:
    """Print an organisation's entry as YAML, with its version in a comment."""
    if code is None:
        raise click.UsageError("Give the CODE of the organisation whose entry you want.")
    with _changes() as (_, changes):
        version, entry = changes.current(OrganisationCode(code))
    click.echo(f"# {code}, version {version}")
    click.echo(yaml.safe_dump(dict(entry), sort_keys=False, allow_unicode=True), nl=False)


@click.command("set")
@click.argument("code")
@click.argument("file", type=_file)
@click.option("--version", type=click.IntRange(0), help="The version that you changed.")
@click.option("--new", "is_new", is_flag=True, help="Add an organisation that is not there yet.")
@click.option("--starts", metavar="INSTANT", help="From when on it counts, in the future.")
@by_option
@reason_option
@yes_option
@dry_run_option
@json_option
def set_(  # noqa: PLR0913  each is an option
    *,
    code: str,
    file: Path,
    version: int | None,
    is_new: bool,
    starts: str | None,
    by: str,
    reason: str,
    is_confirmed: bool,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    """Make the organisation CODE what the entry in FILE says, in every process within a second.

    The rules stay as they are. It is checked like a policy before it is published.

    \b
    Example:    broker directory set stoke-csc stoke-csc.yaml --version 3 --by "Jo Bloggs"
                --reason "New duty telephone."
    """
    if is_new == (version is not None):
        raise click.UsageError("Give the --version that you changed (0: none yet), or --new.")
    new = NewVersion(
        OrganisationCode(code), version or 0, read_entry(file.read_text(encoding="utf-8"))
    )
    with _changes() as (ledger, changes):
        starts_at = _instant(starts) if starts else None
        context = ChangeContext(f"person:{by}", reason, ledger.queries.clock(), starts_at)

        def effect() -> str:
            changes.check([new])
            return f"{code} will be what {file} says from {starts or 'now'} on."

        question = f"Change {code}?"
        if not confirm(effect, question, is_confirmed=is_confirmed, is_dry_run=is_dry_run):
            return
        changed = changes.put(new.code, new.document, context, expected=version)
    _print_changed(code, changed, as_json=as_json)


def _print_changed(code: str, changed: Changed, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "code": code,
                "version": changed.version,
                "is_new": changed.is_new,
                "starts_at": changed.starts_at.isoformat(),
                "policy_version": changed.policy_version,
            }
        )
    elif changed.is_new:
        click.echo(f"{code} has version {changed.version}, from {local(changed.starts_at)} on")
    else:
        click.echo(f"{code} is so already: version {changed.version}")


@click.command()
@click.argument("code")
@json_option
def history(code: str, as_json: bool) -> None:
    """List the versions of the organisation CODE: who changed it, when and why."""
    with _changes() as (_, changes):
        name = OrganisationCode(code)
        changes.current(name)
        versions = changes.versions(name)
    rows: list[dict[str, Any]] = [
        {
            "version": version.version,
            "starts_at": version.starts_at.isoformat(),
            "in_force_at": version.in_force_at.isoformat() if version.in_force_at else None,
            "revision": version.revision,
            "by": version.actor.removeprefix("person:"),
            "reason": version.reason,
        }
        for version in versions
    ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        remark(f"{code} stands in the policy's document; it was never changed on its own.")
        return
    heads = ("version", "starts_at", "revision", "by", "reason")
    cells = [
        [local(row[head]) if head == "starts_at" else row[head] for head in heads] for row in rows
    ]
    print_table(heads, cells)


@click.command("import-schools")
@click.argument("register", type=_file)
@click.argument("template", type=_file)
@by_option
@yes_option
@dry_run_option
@json_option
def import_schools(
    *,
    register: Path,
    template: Path,
    by: str,
    is_confirmed: bool,
    is_dry_run: bool,
    as_json: bool,
) -> int:
    """Take over the schools of England from REGISTER, an extract of Get Information about Schools.

    TEMPLATE says what the register does not: hours, terms and addresses for alerts of new schools
    (docs/operations.md). Of a school that is there already only name and end are changed. Look at
    it with --dry-run first.

    \b
    Example:    broker directory import-schools edubasealldata.csv schools.yaml --by "Jo Bloggs"
                --dry-run
    """
    pattern = school_register.read_template(template.read_text(encoding="utf-8"))
    with _changes() as (ledger, changes):
        with school_register.open_register(register) as lines:
            planned = school_register.plan(
                school_register.read_register(lines),
                pattern,
                changes,
                today=ledger.queries.clock().date(),
                notice=partial(_progress, "compared"),
            )
        is_done = confirm(
            lambda: _summary(planned),
            "Record these changes?",
            is_confirmed=is_confirmed,
            is_dry_run=is_dry_run,
        )
        if is_done:
            reason = f"Register of schools, {register.name}"[:500]
            school_register.carry_out(
                planned,
                changes,
                lambda: ChangeContext(f"person:{by}", reason, ledger.queries.clock()),
                notice=partial(_progress, "recorded"),
            )
    return _print_import(planned, as_json=as_json, is_done=is_done)


def _print_import(planned: Plan, *, as_json: bool, is_done: bool) -> int:
    """Print what was changed, or would be, and return the exit code."""
    if as_json:
        refused = {
            name: [_fault(fault) for fault in faults] for name, faults in planned.refused.items()
        }
        print_json({"recorded": is_done, **planned.counts, "refused_schools": refused})
    elif is_done:
        click.echo(_summary(planned))
    return INVALID if planned.refused else DONE


def _fault(fault: Fault) -> dict[str, str]:
    return {"where": fault.pointer, "code": fault.code, "message": fault.message}


def _summary(planned: Plan) -> str:
    counts = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in planned.counts.items()
    )
    refused = [fault for faults in planned.refused.values() for fault in faults]
    lines = [f"  {fault.pointer}: {fault.message} [{fault.code}]" for fault in refused[:SHOWN]]
    more = [f"  and {len(refused) - SHOWN} more"] if len(refused) > SHOWN else []
    return "\n".join([f"Schools: {counts}.", *lines, *more])


def _progress(done: str, count: int) -> None:
    remark(f"{count} {done}")


def _instant(text: str) -> datetime:
    """Return an instant; one without an offset is UK time. Raises Failure."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Failure(
            f"{text!r} is no instant.", next_step="write it like 2027-01-04T09:00", code=INVALID
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo("Europe/London"))
