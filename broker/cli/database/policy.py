"""``broker policy``: who gets a part of which referral, why, and by when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from broker.admin.publish_policy import publish as put_in_force
from broker.cli.database.connection import open_ledger
from broker.cli.database.lint import folder_argument, lint_folder
from broker.cli.database.policy_diff import diff
from broker.cli.exit_codes import NOT_FOUND, Failure
from broker.cli.output import json_option, print_json, remark
from broker.cli.referral_view import legs
from broker.cli.table import console, print_table
from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import ReferralId
from broker.domain.referral import ReferralStatus
from broker.ledger.ledger import Ledger
from broker.policy.language.rules import Row
from broker.policy.published.policy import Policy, documents_from, load


@click.group()
def policy() -> None:
    """Lint, compare, publish, show and explain the policy.

    All but lint, and diff of two folders, need BROKER_DATABASE_URL.
    """


policy.add_command(diff)


@policy.command()
@folder_argument
@json_option
def lint(folder: Path, as_json: bool) -> int:
    """Check the policy, the views and the directory in FOLDER.

    \b
    Example:    broker policy lint policies/england
    """
    return lint_folder(folder, as_json=as_json)


@policy.command()
@folder_argument
@json_option
def publish(folder: Path, as_json: bool) -> None:
    """Check the policy in FOLDER and put it in force. The same documents again change nothing.

    \b
    Example:    broker policy publish policies/england
    """
    with open_ledger() as ledger:
        version = put_in_force(ledger, documents_from(folder), now=datetime.now(UTC))
    if as_json:
        print_json({"version": version})
    else:
        click.echo(f"{version} is in force")


@policy.command()
@click.argument("version", required=False)
@json_option
def show(version: str | None, as_json: bool) -> None:
    """Show the rows of the policy in force, or of another VERSION.

    \b
    Example:    broker policy show --json
    """
    with open_ledger() as ledger:
        book = kept(ledger, version)
    rows = [_plain(row) for row in book.rows]
    if as_json:
        print_json({"version": book.version, "calendar": edition(book), "rows": rows})
        return
    told = book.edition
    remark(f"bank holidays {told.version} ({told.source or 'no source'}), to {told.ends}")
    heads = ("id", "sentence", "basis", "source", "role", "view")
    print_table(heads, [[row[head] for head in heads] for row in rows], title=book.version)


@policy.command()
@click.argument("referral")
@json_option
def explain(referral: str, as_json: bool) -> None:
    """Say why REFERRAL (an id, or its reference) went where it went, and by when.

    \b
    Example:    broker policy explain OCC/2026/000123
    """
    with open_ledger() as ledger:
        found = _find(ledger, referral)
        names = _names(kept(ledger, found.policy_version)) if found.policy_version else {}
    told = _explained(found, names)
    if as_json:
        print_json(told)
        return
    remark(f"judged under policy {found.policy_version or '(none)'}")
    console().print(legs(told))


def kept(ledger: Ledger, version: str | None) -> Policy:
    """Return a version of the policy, or the one in force. Raises Failure when there is none."""
    found = ledger.policies.policy(version)
    if found is None:
        raise Failure(
            "no policy is published." if version is None else "there is no such version.",
            next_step="publish one with `broker policy publish`",
            code=NOT_FOUND,
        )
    return load(found[1], version=found[0])


def edition(book: Policy) -> dict[str, str]:
    """Return which calendar data a policy counts by."""
    told = book.edition
    return {
        "version": told.version,
        "source": told.source,
        "sha256": told.sha256,
        "ends": told.ends.isoformat(),
    }


def _find(ledger: Ledger, referral: str) -> ReferralStatus:
    try:
        found = ledger.queries.referral(None, id=ReferralId(UUID(referral)))
    except ValueError:
        found = ledger.queries.referral(None, reference=referral)
    if found is None:
        raise Failure(
            "there is no such referral.",
            next_step="give its id or the publisher's reference",
            code=NOT_FOUND,
        )
    return found


def _names(book: Policy) -> Mapping[str, str]:
    return {organisation.code: organisation.name for organisation in book.directory.organisations}


def _explained(found: ReferralStatus, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what routing decided and why; who answered what is for ``timeline``."""
    return {
        "id": str(found.id),
        "reference": found.reference,
        "publisher": found.publisher,
        "state": str(found.state),
        "accepted_at": found.accepted_at.isoformat(),
        "policy_version": found.policy_version,
        "grade": found.grade,
        "effective_grade": found.effective_grade,
        "reason": found.reason,
        "attend_by": found.attend_by.isoformat() if found.attend_by else None,
        "faults": found.faults,
        "defects": found.defects,
        "warnings": found.warnings,
        "deliveries": list(_legs(found.deliveries, names)),
    }


def _legs(
    deliveries: Sequence[DeliveryStatus], names: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    for leg in deliveries:
        yield {
            "agency": leg.agency,
            "agency_name": names.get(leg.agency),
            "row": leg.row,
            "role": str(leg.role),
            "view": leg.view,
            "state": str(leg.state),
            "explanation": leg.explanation,
        }


def _plain(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "sentence": row.sentence,
        "basis": row.basis,
        "source": row.source,
        "for": row.subject,
        "to": {"kind": row.kind, "of": row.place_of},
        "role": str(row.role),
        "view": row.view,
        "deadlines": {
            str(grade): {str(milestone): str(within) for milestone, within in by.items()}
            for grade, by in row.deadlines.items()
        },
        "held_by": sorted(row.held_by),
        "from": row.effective_from.isoformat(),
        "until": row.effective_until.isoformat() if row.effective_until else None,
    }
