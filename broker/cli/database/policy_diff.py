"""``broker policy diff``: the changes between two policies, in words and on past referrals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from broker.admin.policy_backtest import Backtest, Due, Shift
from broker.admin.policy_backtest import backtest as run_backtest
from broker.admin.publish_policy import rows_in_force
from broker.channels.registry import CHANNELS
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.durations import format_duration
from broker.cli.exit_codes import DIFFERENT, DONE, INVALID, NOT_FOUND, Failure
from broker.cli.options import json_option
from broker.cli.output import print_json, remark
from broker.errors import Fault, PolicyError
from broker.flow.policy_cache import read_version
from broker.ledger.ledger import Ledger
from broker.policy.language.directory_reader import OrganisationRow
from broker.policy.published.diff import Change, compare
from broker.policy.published.policy import Policy, assemble, documents_from

IN_FORCE = "in-force"
LONGEST = 366
_EXAMPLE = "2026-11-28T09:00Z"
_REFUSED_WHOLE = frozenset({"deadline-relaxed", "deadline-missing"})
"""Faults of a policy that was read to its end, so that it can still be compared."""


@click.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--replay", "days", metavar="DAYS", help="Also route the referrals of the last 30d again."
)
@click.option("--exit-code", is_flag=True, help=f"End with {DIFFERENT} when anything differs.")
@json_option
def diff(old: str, new: str, days: str | None, exit_code: bool, as_json: bool) -> int:
    """Describe what changes from OLD to NEW. Changes nothing.

    Each is a folder, a published version, the word in-force, or an instant such as
    2026-11-28T09:00Z for what was in force then. A folder beside one of the others has the
    organisations that are rows now. With --replay, referrals accepted in the last days are routed
    again under both, read only: recipients gained and lost, deadlines shorter and longer, deadlines
    that would have been missed. A policy that relaxes a statutory deadline is compared and refused
    (exit code 3).

    \b
    Example:    broker policy diff in-force policies/england --replay 30d
    """
    before, _ = _read(old, beside=new)
    after, faults = _read(new, beside=old)
    changes = compare(before, after)
    backtest = _backtest(before, after, _days(days)) if days and not faults else None
    if as_json:
        print_json(_to_json(before, after, changes, faults, backtest))
    else:
        _print(changes, backtest)
    if faults:
        _refuse(faults, as_json=as_json)
        return INVALID
    return DIFFERENT if exit_code and changes else DONE


def _read(name: str, *, beside: str) -> tuple[Policy, list[Fault]]:
    """Read a policy and the statutory deadlines that it relaxes; any other fault is an error."""
    folder = Path(name)
    if not folder.is_dir():
        with open_ledger() as ledger:
            return _published(ledger, name), []
    rows: Sequence[OrganisationRow] = ()
    revision = 0
    if not Path(beside).is_dir():
        with open_ledger() as ledger:
            listed, revision = rows_in_force(ledger)
            rows = list(listed)
    policy, faults = assemble(
        documents_from(folder),
        version=name,
        channels=CHANNELS.forms,
        rows=rows,
        revision=revision,
    )
    if policy is None or any(fault.code not in _REFUSED_WHOLE for fault in faults):
        raise PolicyError(f"{name} cannot be used, so it cannot be compared.", faults=faults)
    return policy, faults


def _published(ledger: Ledger, name: str) -> Policy:
    """Return a published version, the one in force, or the one that was in force at an instant."""
    version = None if name == IN_FORCE else name
    if at := _instant(name):
        version = ledger.policies.version_at(at) or name
    head = ledger.policies.head(version)
    if head is None:
        raise Failure(
            f"{name!r} is neither a folder nor a published version.",
            next_step=f"give a folder, a version, an instant such as {_EXAMPLE}, or {IN_FORCE}",
            code=NOT_FOUND,
        )
    return read_version(ledger, head, CHANNELS.forms)


def _instant(name: str) -> datetime | None:
    """Return an instant with its offset; None for anything else."""
    try:
        at = datetime.fromisoformat(name)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _days(text: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,3})d?", text, re.ASCII)
    if match is None or int(match[1]) > LONGEST:
        hint = f"write a number of days up to {LONGEST}, such as 30d."
        raise click.BadParameter(hint, param_hint="--replay")
    return int(match[1])


def _backtest(old: Policy, new: Policy, days: int) -> Backtest:
    with open_ledger() as ledger:
        now = ledger.queries.clock()
        return run_backtest(
            ledger.policy_backtest.past(now - timedelta(days=days), now), old=old, new=new, now=now
        )


def _refuse(faults: list[Fault], *, as_json: bool) -> None:
    if not as_json:
        click.echo("\nNEW cannot be published: a statutory deadline is never relaxed.")
        for fault in faults:
            click.echo(f"  {fault.pointer}: {fault.message} [{fault.code}]")
    remark("NEW is refused, so past referrals were not routed again.")


def _print(changes: list[Change], backtest: Backtest | None) -> None:
    for of in dict.fromkeys(change.of for change in changes):
        own = [change for change in changes if change.of == of]
        if own[0].kind != "changed":
            click.echo(f"{of} is {own[0].kind}: {own[0].words}")
            continue
        click.echo(of)
        for change in own:
            click.echo(f"  {change.words}")
    if not changes:
        click.echo("The two policies are the same.")
    if backtest is not None:
        click.echo()
        for line in _lines(backtest):
            click.echo(line)


def _lines(backtest: Backtest) -> Iterator[str]:
    """Describe the result of a backtest in words."""
    yield f"{backtest.judged} referrals were routed again; {backtest.different} would be different."
    for agency, count in sorted(backtest.gained.items()):
        yield f"  {agency} would have had {count} more"
    for agency, count in sorted(backtest.lost.items()):
        yield f"  {agency} would not have had {count}"
    yield from _deadline_lines(backtest)
    for (was, becomes), count in sorted(backtest.becomes.items()):
        yield f"  {count} that are {was} would be {becomes}"
    for topic, ids in backtest.examples.items():
        yield f"  for example ({topic}): {', '.join(ids)}"


def _deadline_lines(backtest: Backtest) -> Iterator[str]:
    """Describe which deadlines would be other ones, and which would be kept or missed instead."""
    for direction, shifts in (("earlier", backtest.shorter), ("later", backtest.longer)):
        for due, shift in sorted(shifts.items()):
            worst = format_duration(shift.worst.total_seconds())
            yield f"  {_due(due)}: {shift.count} due {direction}, by {worst} at most"
    for change, counts in (
        ("have a deadline that had none", backtest.deadlines_gained),
        ("have no deadline that had one", backtest.deadlines_lost),
        ("met in time would have been missed", backtest.missed),
        ("met late would have been in time", backtest.rescued),
        ("still open would be overdue already", backtest.overdue),
    ):
        for due, count in sorted(counts.items()):
            yield f"  {_due(due)}: {count} {change}"


def _due(due: Due) -> str:
    return f"{due[0]}, {due[1]}"


def _to_json(
    before: Policy,
    after: Policy,
    changes: list[Change],
    faults: list[Fault],
    backtest: Backtest | None,
) -> dict[str, Any]:
    return {
        "old": before.version,
        "new": after.version,
        "publishable": not faults,
        "changes": [asdict(change) for change in changes],
        "faults": [{"where": f.pointer, "code": f.code, "message": f.message} for f in faults],
        "replay": None if backtest is None else _backtest_json(backtest),
    }


def _backtest_json(backtest: Backtest) -> dict[str, Any]:
    return {
        "judged": backtest.judged,
        "different": backtest.different,
        "recipients_gained": dict(sorted(backtest.gained.items())),
        "recipients_lost": dict(sorted(backtest.lost.items())),
        "shorter": _shifts(backtest.shorter),
        "longer": _shifts(backtest.longer),
        "deadlines_gained": _counts(backtest.deadlines_gained),
        "deadlines_lost": _counts(backtest.deadlines_lost),
        "would_be_missed": _counts(backtest.missed),
        "would_be_in_time": _counts(backtest.rescued),
        "would_be_overdue": _counts(backtest.overdue),
        "becomes": [
            {"from": was, "to": becomes, "count": count}
            for (was, becomes), count in sorted(backtest.becomes.items())
        ],
        "examples": backtest.examples,
    }


def _shifts(shifts: Mapping[Due, Shift]) -> list[dict[str, Any]]:
    return [
        {
            "agency": agency,
            "milestone": str(milestone),
            "count": shift.count,
            "worst_seconds": shift.worst.total_seconds(),
        }
        for (agency, milestone), shift in sorted(shifts.items())
    ]


def _counts(counts: Counter[Due]) -> list[dict[str, Any]]:
    return [
        {"agency": agency, "milestone": str(milestone), "count": count}
        for (agency, milestone), count in sorted(counts.items())
    ]
