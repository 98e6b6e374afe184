"""``broker policy diff``: what changes between two policies, in words and on past referrals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from broker.admin.policy_backtest import Backtest, Due, Shift, backtest
from broker.cli.database.connection import open_ledger
from broker.cli.exit_codes import DIFFERENT, DONE, INVALID, NOT_FOUND, Failure
from broker.cli.http.report import length
from broker.cli.output import json_option, print_json, remark
from broker.errors import Fault, PolicyError
from broker.ledger.ledger import Ledger
from broker.policy.published.diff import Change, compare
from broker.policy.published.policy import Policy, assemble, documents_from

IN_FORCE = "in-force"
LONGEST = 366
_REFUSED_WHOLE = frozenset({"deadline-relaxed", "deadline-missing"})
"""Faults of a policy that was read to its end, so that it can still be compared."""


@click.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--replay", "days", metavar="DAYS", help="Judge what was accepted in the last 30d again."
)
@click.option("--exit-code", is_flag=True, help=f"End with {DIFFERENT} when anything differs.")
@json_option
def diff(old: str, new: str, days: str | None, exit_code: bool, as_json: bool) -> int:
    """Say in words what changes from OLD to NEW, and change nothing.

    Each is a folder, a published version, or the word in-force. With --replay, what was accepted
    in the last days is judged again under both, read only: recipients gained and lost, deadlines
    shorter and longer, what would have been missed. A policy that relaxes a statutory deadline is
    compared and refused (exit code 3).

    \b
    Example:    broker policy diff in-force policies/england --replay 30d
    """
    before, _ = _read(old)
    after, faults = _read(new)
    changes = compare(before, after)
    found = _replayed(before, after, _days(days)) if days and not faults else None
    if as_json:
        print_json(_told(before, after, changes, faults, found))
    else:
        _tell(changes, found)
    if faults:
        _refuse(faults, as_json=as_json)
        return INVALID
    return DIFFERENT if exit_code and changes else DONE


def _read(which: str) -> tuple[Policy, list[Fault]]:
    """Read a policy, with the statutory deadlines that it relaxes; any other fault is an error."""
    folder = Path(which)
    if folder.is_dir():
        version, documents = str(folder), documents_from(folder)
    else:
        with open_ledger() as ledger:
            version, documents = _published(ledger, which)
    book, faults = assemble(documents, version=version)
    if book is None or any(fault.code not in _REFUSED_WHOLE for fault in faults):
        raise PolicyError(f"{which} cannot be used, so it cannot be compared.", faults=faults)
    return book, faults


def _published(ledger: Ledger, which: str) -> tuple[str, dict[str, str]]:
    found = ledger.policies.policy(None if which == IN_FORCE else which)
    if found is None:
        raise Failure(
            f"{which!r} is no folder and no published version.",
            next_step=f"give a folder, a version, or the word {IN_FORCE}",
            code=NOT_FOUND,
        )
    return found[0], dict(found[1])


def _days(text: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,3})d?", text, re.ASCII)
    if match is None or int(match[1]) > LONGEST:
        told = f"write a number of days up to {LONGEST}, such as 30d."
        raise click.BadParameter(told, param_hint="--replay")
    return int(match[1])


def _replayed(old: Policy, new: Policy, days: int) -> Backtest:
    now = datetime.now(UTC)
    with open_ledger() as ledger:
        return backtest(
            ledger.policy_backtest.past(now - timedelta(days=days), now), old=old, new=new, now=now
        )


def _refuse(faults: list[Fault], *, as_json: bool) -> None:
    if not as_json:
        click.echo("\nNEW cannot be published: a statutory deadline is never relaxed.")
        for fault in faults:
            click.echo(f"  {fault.pointer}: {fault.message} [{fault.code}]")
    remark("NEW is refused; nothing was replayed.")


def _tell(changes: list[Change], found: Backtest | None) -> None:
    for of in dict.fromkeys(change.of for change in changes):
        own = [change for change in changes if change.of == of]
        if own[0].kind != "changed":
            click.echo(f"{of} is {own[0].kind}: {own[0].words}")
            continue
        click.echo(of)
        for change in own:
            click.echo(f"  {change.words}")
    if not changes:
        click.echo("The two policies say the same.")
    if found is not None:
        click.echo()
        for line in _lines(found):
            click.echo(line)


def _lines(found: Backtest) -> Iterator[str]:
    """Say in words what a replay found."""
    yield f"{found.judged} referrals were judged again; {found.different} would be different."
    for agency, count in sorted(found.gained.items()):
        yield f"  {agency} would have had {count} more"
    for agency, count in sorted(found.lost.items()):
        yield f"  {agency} would not have had {count}"
    for words, shifts in (("earlier", found.shorter), ("later", found.longer)):
        for due, shift in sorted(shifts.items()):
            worst = length(shift.worst.total_seconds())
            yield f"  {_due(due)}: {shift.count} due {words}, by {worst} at most"
    for words, counts in (
        ("have a deadline that had none", found.deadlines_gained),
        ("have no deadline that had one", found.deadlines_lost),
        ("met in time would have been missed", found.missed),
        ("met late would have been in time", found.rescued),
        ("still open would be overdue already", found.overdue),
    ):
        for due, count in sorted(counts.items()):
            yield f"  {_due(due)}: {count} {words}"
    for (was, becomes), count in sorted(found.becomes.items()):
        yield f"  {count} that are {was} would be {becomes}"
    for what, ids in found.examples.items():
        yield f"  for example ({what}): {', '.join(ids)}"


def _due(due: Due) -> str:
    return f"{due[0]}, {due[1]}"


def _told(
    before: Policy,
    after: Policy,
    changes: list[Change],
    faults: list[Fault],
    found: Backtest | None,
) -> dict[str, Any]:
    return {
        "old": before.version,
        "new": after.version,
        "publishable": not faults,
        "changes": [asdict(change) for change in changes],
        "faults": [{"where": f.pointer, "code": f.code, "message": f.message} for f in faults],
        "replay": None if found is None else _replay_told(found),
    }


def _replay_told(found: Backtest) -> dict[str, Any]:
    return {
        "judged": found.judged,
        "different": found.different,
        "recipients_gained": dict(sorted(found.gained.items())),
        "recipients_lost": dict(sorted(found.lost.items())),
        "shorter": _shifts(found.shorter),
        "longer": _shifts(found.longer),
        "deadlines_gained": _counts(found.deadlines_gained),
        "deadlines_lost": _counts(found.deadlines_lost),
        "would_be_missed": _counts(found.missed),
        "would_be_in_time": _counts(found.rescued),
        "would_be_overdue": _counts(found.overdue),
        "becomes": [
            {"from": was, "to": becomes, "count": count}
            for (was, becomes), count in sorted(found.becomes.items())
        ],
        "examples": found.examples,
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
