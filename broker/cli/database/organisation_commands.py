"""``broker directory set``, ``history`` and ``import-schools``: change single organisations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import yaml

from broker.admin import school_register
from broker.admin.directory_changes import Alter, Changed, DirectoryChanges
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
from broker.policy.language.entry_edits import (
    EntryCourse,
    carried,
    edits_between,
    merged,
    value_at,
)

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
    """Print what an organisation is as YAML, with its version and what is set for later."""
    if code is None:
        raise click.UsageError("Give the CODE of the organisation whose entry you want.")
    with _changes() as (ledger, changes):
        course = changes.course(OrganisationCode(code), now=ledger.queries.clock())
    click.echo(f"# {code}, version {course.tag}")
    for later, pointers in zip(course.later, course.steps(), strict=True):
        changes_then = ", ".join(pointers) or "the same"
        click.echo(f"# set for later, from {local(later.starts_at)} on: {changes_then}")
    click.echo(yaml.safe_dump(dict(course.entry), sort_keys=False, allow_unicode=True), nl=False)


def _seen_version(
    _: click.Context, __: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """Read a version as ``show --entry`` prints it, 4 or 4.3: the last one, and the one in force.

    Raises BadParameter.
    """
    if text is None:
        return None
    last, _dot, in_force = text.partition(".")
    if not (last.isdecimal() and (in_force or last).isdecimal()):
        raise click.BadParameter("write the version that `show --entry` printed, like 4 or 4.3")
    return int(last), int(in_force or last)


@click.command("set")
@click.argument("code")
@click.argument("file", type=_file, required=False)
@click.option(
    "--field",
    "given",
    metavar="NAME=VALUE",
    multiple=True,
    help="Change this field alone, such as contacts.duty.telephone='01632 960 123'.",
)
@click.option("--clear", "cleared", metavar="NAME", multiple=True, help="Take this field out.")
@click.option(
    "--version",
    metavar="N",
    callback=_seen_version,
    help="With FILE: the version that you changed.",
)
@click.option("--new", "is_new", is_flag=True, help="With FILE: add an organisation.")
@click.option("--starts", metavar="INSTANT", help="From when on it counts, in the future.")
@by_option
@reason_option
@yes_option
@dry_run_option
@json_option
def set_(  # noqa: PLR0913  each is an option
    *,
    code: str,
    file: Path | None,
    given: Sequence[str],
    cleared: Sequence[str],
    version: tuple[int, int] | None,
    is_new: bool,
    starts: str | None,
    by: str,
    reason: str,
    is_confirmed: bool,
    is_dry_run: bool,
    as_json: bool,
) -> None:
    """Change the organisation CODE, in every process within a second: fields, or by FILE.

    FILE has its whole entry as `show --entry` printed it, changed. What is set for later has the
    change too, but keeps each field to which it gives another value. It is checked like a policy
    before it is published.

    \b
    Examples:   broker directory set stoke-csc --field contacts.duty.telephone="01632 960 123"
                --by "Jo Bloggs" --reason "New duty telephone."
                broker directory set stoke-csc stoke-csc.yaml --version 3 --by "Jo Bloggs"
                --reason "New duty telephone."
    """
    patch = _patch(given, cleared)
    if (file is None) == (not patch):
        raise click.UsageError("Give a FILE with the whole entry, or --field and --clear.")
    if (file is None) != (not is_new and version is None) or (is_new and version is not None):
        raise click.UsageError(
            "With a FILE give the --version that you changed (0: none yet), or --new."
        )
    document = read_entry(file.read_text(encoding="utf-8")) if file else {}
    name = OrganisationCode(code)
    with _changes() as (ledger, changes):
        starts_at = _instant(starts) if starts else None
        context = ChangeContext(f"person:{by}", reason, ledger.queries.clock(), starts_at)
        alter: Alter = partial(merged, patch=patch) if file is None else lambda _: document
        if is_new:
            effect = partial(_effect_of_new, changes, name, document)
        else:
            course = changes.course(name, now=context.now)
            effect = partial(_effect, changes, name, course, alter, starts_at)
        question = f"Change {code}?"
        if not confirm(effect, question, is_confirmed=is_confirmed, is_dry_run=is_dry_run):
            return
        if is_new:
            changed = changes.put(name, document, context, expected=None)
        else:
            expected, in_force = version or (course.version, course.in_force)
            changed = changes.change(name, alter, context, expected=expected, in_force=in_force)
    _print_changed(code, changed, as_json=as_json)


def _patch(given: Sequence[str], cleared: Sequence[str]) -> dict[str, Any]:
    """Return fields that are given as a merge patch. Raises UsageError."""
    patch: dict[str, Any] = {}
    values = [text.partition("=") for text in given]
    if any(not name or not sign for name, sign, _ in values):
        raise click.UsageError(
            "Write a field as NAME=VALUE, such as contacts.duty.sms='07700 900123'."
        )
    fields = [(name, _value(text)) for name, _, text in values]
    for name, value in [*fields, *((name, None) for name in cleared)]:
        *above, last = name.split(".")
        inner = patch
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return patch


def _value(text: str) -> Any:
    """Return what a value says: a list or map in YAML, everything else as it is written."""
    if not text.startswith(("[", "{")):
        return {"true": True, "false": False}.get(text, text)
    return read_entry(f"value: {text}")["value"]


def _effect_of_new(
    changes: DirectoryChanges, code: OrganisationCode, document: Mapping[str, Any]
) -> str:
    """Check a new organisation, and return what follows. Raises Invalid."""
    changes.check([NewVersion(code, 0, document)])
    return f"{code} will be added as {document.get('name')}."


def _effect(
    changes: DirectoryChanges,
    code: OrganisationCode,
    course: EntryCourse,
    alter: Alter,
    starts_at: datetime | None,
) -> str:
    """Check a change, and return what follows from it. Raises Invalid."""
    before = course.at(starts_at)
    after = alter(before)
    changes.check([NewVersion(code, course.version, after)])
    when = f"from {local(starts_at)} on" if starts_at else "from now on"
    lines = [
        f"  {'.'.join(path)}: {_text(value_at(before, path))} -> {_text(value)}"
        for path, value in edits_between(before, after).items()
    ]
    carry = {later.starts_at: later.entry for later in carried(course, after, starts_at)}
    entry = after
    for later in course.after(starts_at):
        following = carry.get(later.starts_at, later.entry)
        lines += [
            f"  from {local(later.starts_at)} on, as set before: {'.'.join(path)}: {_text(value)}"
            for path, value in edits_between(entry, following).items()
        ]
        entry = following
    return "\n".join([f"{code} will be changed {when}:", *(lines or ["  nothing"])])


def _text(value: Any) -> str:
    if value is None:
        return "(nothing)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _print_changed(code: str, changed: Changed, *, as_json: bool) -> None:
    starts_at = changed.starts_at
    if as_json:
        print_json(
            {
                "code": code,
                "version": changed.version,
                "is_new": changed.is_new,
                "starts_at": starts_at.isoformat() if starts_at else None,
                "policy_version": changed.policy_version,
            }
        )
    elif changed.is_new and starts_at:
        click.echo(f"{code} has version {changed.version}, from {local(starts_at)} on")
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
                now=ledger.queries.clock(),
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
