"""``broker directory``: the organisations, their areas and opening hours."""

from __future__ import annotations

from typing import Any

import click

from broker.cli.database.ledger_connection import open_ledger
from broker.cli.database.organisation_commands import (
    history,
    import_schools,
    print_entry,
    set_,
)
from broker.cli.database.policy import stored_policy
from broker.cli.exit_codes import NOT_FOUND, Failure
from broker.cli.files.lint import lint_directory
from broker.cli.options import json_option
from broker.cli.output import print_json
from broker.cli.table import print_table
from broker.domain.codes import Contact
from broker.policy.language.directory import Organisation, said_hours


@click.group()
def directory() -> None:
    """Lint, show and change the directory of organisations."""


directory.add_command(lint_directory)
directory.add_command(history)
directory.add_command(import_schools)
directory.add_command(set_)


@directory.command()
@click.argument("code", required=False)
@click.option("--entry", "is_entry", is_flag=True, help="Print the entry alone, to be changed.")
@json_option
def show(*, code: str | None, is_entry: bool, as_json: bool) -> None:
    """Show the organisations of the directory in force, or one by its CODE.

    \b
    Examples:   broker directory show stoke-csc --json
                broker directory show stoke-csc --entry > stoke-csc.yaml
    """
    if is_entry:
        print_entry(code)
        return
    with open_ledger() as ledger:
        organisations = stored_policy(ledger, None).directory.organisations
    shown = [
        _plain(organisation) for organisation in organisations if code in (None, organisation.code)
    ]
    if not shown:
        raise Failure(
            "the directory in force has no organisation with this code.",
            next_step="list them with `broker directory show`",
            code=NOT_FOUND,
        )
    if as_json:
        print_json(shown)
        return
    heads = ("code", "name", "kind", "nation", "channel", "areas", "open", "out_of_hours_partner")
    duty = {organisation.code: _duty(organisation) for organisation in organisations}
    rows = [[*(_cell(row[head]) for head in heads), duty[row["code"]]] for row in shown]
    print_table((*heads, "duty telephone"), rows)


def _plain(organisation: Organisation) -> dict[str, Any]:
    return {
        "code": organisation.code,
        "version": organisation.version,
        "name": organisation.name,
        "kind": organisation.kind,
        "nation": organisation.nation,
        "channel": organisation.channel,
        "encrypted": organisation.encrypted,
        "areas": list(organisation.areas),
        "open": said_hours(organisation.always_open, organisation.hours),
        "closures": {day.isoformat(): reason for day, reason in organisation.closures.items()},
        "out_of_hours_partner": organisation.out_of_hours_partner,
        "contacts": {
            str(contact): _contact(organisation, contact) for contact in organisation.contacts
        },
        "urn": organisation.urn,
        "from": organisation.effective_from.isoformat(),
        "until": organisation.effective_until.isoformat() if organisation.effective_until else None,
    }


def _contact(organisation: Organisation, contact: Contact) -> dict[str, str]:
    """Return where a contact is reached, and when its telephone is answered."""
    plain = {str(way): address for way, address in organisation.contacts[contact].items()}
    telephone = organisation.telephones.get(contact)
    if telephone is not None:
        plain |= {"telephone": telephone.number, "hours": telephone.words}
    return plain


def _duty(organisation: Organisation) -> str:
    telephone = organisation.telephones.get(Contact.DUTY)
    return f"{telephone.number} ({telephone.words})" if telephone else ""


def _cell(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value or "")
