"""``broker notices``: whom the broker has alerted, and whom it could not reach."""

from __future__ import annotations

import click
from referral_broker_client.ops import Ops

from broker.cli.http.gateway_connection import Gateway, with_gateway
from broker.cli.options import Listing, json_option
from broker.cli.output import local, print_json
from broker.cli.table import print_table
from broker.domain.codes import NoticeState
from broker.web.code_words import in_words

_HEADS = (
    *("when", "state", "organisation", "contact", "telephone", "answered"),
    *("by", "reason", "about", "reference"),
)


@click.group(cls=Listing)
def notices() -> None:
    """List the notices to contacts. Needs a key for ops."""


@notices.command("list")
@click.option(
    "--state",
    type=click.Choice([state.value for state in NoticeState]),
    help="Only notices in this state.",
)
@json_option
@with_gateway
def list_(state: str | None, as_json: bool, gateway: Gateway) -> None:
    """List the notices, the latest first: whom each was for, and what became of it.

    \b
    Example:    broker notices list --state failed
    """
    with Ops(gateway.url, gateway.key) as ops:
        listed = ops.notices(state)
    if as_json:
        print_json({"notices": listed})
        return
    if not listed:
        which = f" in the state {state}" if state else ""
        click.echo(f"There is no notice{which}.")
        return
    rows = [
        [
            local(notice["ended_at"] or notice["asked_at"]),
            notice["state"],
            notice["organisation"],
            notice["contact"],
            notice["telephone"] or "",
            notice["telephone_hours"] or "",
            notice["channel"],
            in_words(notice["code"]) if notice["code"] else "",
            notice["about"],
            notice["reference"] or "",
        ]
        for notice in listed
    ]
    print_table(list(_HEADS), rows)
