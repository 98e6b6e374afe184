"""``broker policy``: the rules by which agencies get referrals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from broker.admin.publish_policy import load_with_rows, rows_in_force
from broker.admin.publish_policy import publish as put_in_force
from broker.bootstrap import notifiers, read_settings, utc_now
from broker.channels.registry import CHANNELS
from broker.cli.confirmation import confirm, dry_run_option, yes_option
from broker.cli.database.ledger_connection import open_ledger
from broker.cli.database.policy_diff import diff
from broker.cli.exit_codes import NOT_FOUND, Failure
from broker.cli.files.lint import folder_argument, lint_policy
from broker.cli.options import json_option
from broker.cli.output import print_json, remark
from broker.cli.referral_view import deliveries_view
from broker.cli.table import console, print_table
from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import ReferralId
from broker.domain.referral import ReferralStatus
from broker.errors import PolicyError
from broker.flow.policy_cache import read_version
from broker.ledger.ledger import Ledger
from broker.policy.language.directory import Directory
from broker.policy.language.rules import RoutingRule
from broker.policy.monitoring.reach import unset_channels
from broker.policy.published.policy import Policy, documents_from
from broker.settings import BadSettings


@click.group()
def policy() -> None:
    """Lint, compare, publish, show and explain the policy.

    All but lint, and diff of two folders, need BROKER_DATABASE_URL.
    """


policy.add_command(lint_policy)
policy.add_command(diff)


@policy.command()
@folder_argument
@click.option(
    "--allow-unset",
    is_flag=True,
    help="Publish although some alarms can be sent by no channel that is set.",
)
@yes_option
@dry_run_option
@json_option
def publish(
    *, folder: Path, allow_unset: bool, is_confirmed: bool, is_dry_run: bool, as_json: bool
) -> None:
    """Check the policy in FOLDER and put it in force. The same documents again change nothing.

    With all the settings of the broker it also checks that every alarm can be sent.

    \b
    Example:    broker policy publish policies/england
    """
    documents = documents_from(folder)
    with open_ledger() as ledger:
        if not allow_unset:
            _check_alarms(ledger, documents)
        effect = partial(_effect, ledger, documents, folder)
        if not confirm(effect, "Publish it?", is_confirmed=is_confirmed, is_dry_run=is_dry_run):
            return
        version = put_in_force(
            ledger, documents, now=ledger.queries.clock(), channels=CHANNELS.forms
        )
    if as_json:
        print_json({"version": version})
    else:
        click.echo(f"{version} is in force")


def _effect(ledger: Ledger, documents: Mapping[str, str], folder: Path) -> str:
    """Say what publishing would do. Raises PolicyError for a policy that cannot be published."""
    now = ledger.queries.clock()
    put_in_force(ledger.rehearsal(), documents, now=now, channels=CHANNELS.forms)
    rows = sum(1 for _ in rows_in_force(ledger)[0])
    counted = f"{rows} organisations are rows and count instead of the folder's. " if rows else ""
    return counted + (
        f"The policy in {folder} will judge every referral that is routed from now on. "
        f"See what changes with `broker policy diff in-force {folder}`."
    )


def _check_alarms(ledger: Ledger, documents: Mapping[str, str]) -> None:
    """Raise PolicyError when an alarm can be sent by none of the channels that are set."""
    try:
        settings = read_settings()
    except BadSettings:
        remark("not checked: whether notices can be sent; that needs the broker's settings")
        return
    policy = load_with_rows(ledger, documents, version="unpublished", channels=CHANNELS.forms)
    if unset := unset_channels(policy.alarms, notifiers(settings, utc_now)):
        listed = "; ".join(unset)
        raise PolicyError(
            f"No channel for these alarms is set: {listed}. Set BROKER_SMTP_URL, "
            "BROKER_WEBHOOK_KEY or BROKER_NOTICE_COMMANDS, or add --allow-unset."
        )


@policy.command()
@click.argument("version", required=False)
@json_option
def show(version: str | None, as_json: bool) -> None:
    """Show the rows of the policy in force, or of another VERSION.

    \b
    Example:    broker policy show --json
    """
    with open_ledger() as ledger:
        rules = stored_policy(ledger, version)
    rows = [_plain(row) for row in rules.routing_rules]
    if as_json:
        places = {"version": rules.gazetteer.edition.version, **_places(rules)}
        print_json(
            {"version": rules.version, "calendar": edition(rules), "places": places, "rows": rows}
        )
        return
    bank_holidays = rules.edition
    source = bank_holidays.source or "no source"
    remark(f"bank holidays {bank_holidays.version} ({source}), to {bank_holidays.ends}")
    heads = ("id", "sentence", "basis", "source", "role", "view")
    print_table(heads, [[row[head] for head in heads] for row in rows], title=rules.version)


@policy.command()
@click.argument("referral")
@json_option
def explain(referral: str, as_json: bool) -> None:
    """Explain who got REFERRAL (an id, or its reference), why, and by when.

    \b
    Example:    broker policy explain OCC/2026/000123
    """
    with open_ledger() as ledger:
        status = _find(ledger, referral)
        judged_by = status.policy_version
        directory = stored_policy(ledger, judged_by).directory if judged_by else None
    explanation = _explanation(status, directory)
    if as_json:
        print_json(explanation)
        return
    remark(f"judged under policy {status.policy_version or '(none)'}")
    console().print(deliveries_view(explanation))


def stored_policy(ledger: Ledger, version: str | None) -> Policy:
    """Return a version of the policy, or the one in force. Raises Failure when there is none."""
    head = ledger.policies.head(version)
    if head is None:
        raise Failure(
            "no policy is published." if version is None else "there is no such version.",
            next_step="publish one with `broker policy publish`",
            code=NOT_FOUND,
        )
    return read_version(ledger, head, CHANNELS.forms)


def _places(rules: Policy) -> dict[str, Any]:
    """Return where the data about places comes from."""
    data = rules.gazetteer.edition
    return {"sources": data.sources, "sha256": data.sha256}


def edition(rules: Policy) -> dict[str, str]:
    """Return which calendar data a policy counts by."""
    bank_holidays = rules.edition
    return {
        "version": bank_holidays.version,
        "source": bank_holidays.source,
        "sha256": bank_holidays.sha256,
        "ends": bank_holidays.ends.isoformat(),
    }


def _find(ledger: Ledger, referral: str) -> ReferralStatus:
    try:
        status = ledger.queries.referral(None, id=ReferralId(UUID(referral)))
    except ValueError:
        status = ledger.queries.referral(None, reference=referral)
    if status is None:
        raise Failure(
            "there is no such referral.",
            next_step="give its id or the publisher's reference",
            code=NOT_FOUND,
        )
    return status


def _explanation(status: ReferralStatus, directory: Directory | None) -> dict[str, Any]:
    """Return what routing decided and why; ``broker timeline`` shows the answers."""
    return {
        "id": str(status.id),
        "reference": status.reference,
        "publisher": status.publisher,
        "state": str(status.state),
        "accepted_at": status.accepted_at.isoformat(),
        "policy_version": status.policy_version,
        "grade": status.grade,
        "effective_grade": status.effective_grade,
        "reason": status.reason,
        "attend_by": status.attend_by.isoformat() if status.attend_by else None,
        "faults": status.faults,
        "defects": status.defects,
        "warnings": status.warnings,
        "deliveries": list(_deliveries(status.deliveries, directory)),
    }


def _deliveries(
    deliveries: Sequence[DeliveryStatus], directory: Directory | None
) -> Iterator[dict[str, Any]]:
    for delivery in deliveries:
        agency = directory.organisation(delivery.agency) if directory else None
        yield {
            "agency": delivery.agency,
            "agency_name": agency.name if agency else None,
            "agency_version": agency.version if agency else None,
            "row": delivery.row,
            "role": str(delivery.role),
            "view": delivery.view,
            "state": str(delivery.state),
            "explanation": delivery.explanation,
        }


def _plain(row: RoutingRule) -> dict[str, Any]:
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
