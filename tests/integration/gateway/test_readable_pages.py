"""No page of the console shows a code that people cannot read, however bad the night is."""

from __future__ import annotations

import html
import json
import re

import psycopg
import pytest
from starlette.testclient import TestClient

from broker.domain.codes import Right, Scope
from broker.flow.context import Context
from broker.flow.notify import notify
from tests.acceptance.conftest import World, about_nobody, sample
from tests.integration.gateway.test_rights import ask, pages, signed_in

__all__ = ["pages"]

FAILED = (
    *("sms_http_400", "sms_timed_out", "webhook_private_address", "http_503", "exit_3"),
    *("recipient_refused", "mail_server_unavailable", "no_such_command", "fault", "no_address"),
)
UNREADABLE = {
    "a code with underscores": re.compile(r"\b[A-Za-z]+_\w+"),
    "a kind of event": re.compile(r"\b(?:referral|delivery|organisation|inbox)\.[a-z]+\b"),
    "a code without its underscores": re.compile(
        r"\b(?:sms|webhook|http|exit) (?:http )?\d|\b(?:sms|webhook) [a-z]+|\b[Dd]elivery sent on\b"
    ),
    "a state of the ledger": re.compile(r"\b(?:leased|unroutable|undeliverable|deferred)\b", re.I),
    "a value of a program": re.compile(
        r"\b(?:True|False|null|undefined|NoneType)\b|\bby None\b|\{'|=None"
    ),
    "a code of an organisation": re.compile(
        r"(?<![\w@./-])(?:[a-z]+-(?:csc|edt|lado|sw|police)|school-\d{6})\b"
    ),
    "a template": re.compile(r"\{\{|\{%|\}\}"),
}
SUBJECTS = ("/", "/figures", "/attention", "/notices", "/silent", "/agencies", "/escalations")
"""Pages without an id; more are in the test."""


def read(text: str) -> str:
    """Return what people read of a page: no markup, and nothing that is marked as a code."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.S)
    text = re.sub(r"<(\w+)[^>]*class=\"[^\"]*ops-code[^\"]*\"[^>]*>.*?</\1>", " ", text, flags=re.S)
    attributes = " ".join(re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', text))
    plain = html.unescape(re.sub(r"<[^>]+>", " ", text) + " " + attributes)
    return re.sub(r"\s+", " ", re.sub(r"\S+@\S+", " ", plain))


def unreadable(text: str) -> list[str]:
    """Return what a page says that people cannot read, each with what is around it."""
    return [
        f"{name}: …{text[max(0, match.start() - 40) : match.end() + 30]}…"
        for name, pattern in UNREADABLE.items()
        for match in pattern.finditer(text)
    ]


def bad_night(world: World, context: Context) -> str:
    """Make a night on which everything fails; return the id of a referral of it."""
    world.at("2026-12-21 10:00")
    first, second = world.routed(sample(1)), world.routed(sample(2))
    world.hand_in(about_nobody(sample(3)))
    rejected = sample(4)
    rejected["grade"] = {"risk": "certain"}
    world.hand_in(rejected)
    world.routed(sample(10))  # no agency matches
    refused = {"picture": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA"}
    assert world.client.post("/v1/referrals", headers=world.police, json=refused).status_code == 422
    world.at("2026-12-21 12:01")
    world.watch()
    notify(context)  # no channel is set, so each fails
    ops, why = world.key("ops", Scope.OPS), {"reason": "Their system is down.", "by": "Jo Example"}
    agency = first["deliveries"][0]["agency"]
    done = world.client.post(f"/v1/agencies/{agency}/suspend", json=why, headers=ops)
    assert done.status_code == 200, done.text
    with psycopg.connect(context.settings.database_url) as connection:
        spoil(connection, second["id"])
    return str(second["id"])


def spoil(connection: psycopg.Connection, referral: str) -> None:
    """Write what needs other systems to fail: codes of alerts, and a delivery given up."""
    connection.execute(
        "update notice set code = (%(codes)s::text[])[1 + mod(n, %(count)s)],"
        " channel = (array['sms', 'webhook', 'command', 'email'])[1 + mod(n, 4)]"
        " from (select id, row_number() over (order by id)::int as n from notice) listed"
        " where listed.id = notice.id",
        {"codes": list(FAILED), "count": len(FAILED)},
    )
    (delivery,) = connection.execute(
        "select id, agency from delivery where referral = %s limit 1", [referral]
    ).fetchall()
    for kind, data in (
        ("delivery.deferred", {"code": "refused_by_exchange"}),
        ("delivery.notice_failed", {"code": "sms_http_400", "contact": "duty"}),
        ("delivery.sent_on", {"to": "shropshire-csc"}),
    ):
        connection.execute(
            "insert into event (at, kind, publisher, referral, delivery, agency, actor, data)"
            " select now(), %s, publisher, id, %s, %s, 'worker', %s from referral where id = %s",
            [kind, *delivery, json.dumps(data), referral],
        )


@pytest.mark.thorough
def test_no_page_shows_a_code(world: World, pages: TestClient, context: Context) -> None:
    referral = bad_night(world, context)
    cookie = signed_in(context, *Right)
    with psycopg.connect(context.settings.database_url) as connection:
        (escalation, *_), *_ = connection.execute("select id from escalation").fetchall()
        agencies = connection.execute("select distinct agency from delivery").fetchall()
    paths = [
        *SUBJECTS,
        *(f"/agencies/{code}" for (code,) in agencies),
        *("/areas", "/flows", "/questions", "/replays", "/send-on", "/search?q=nobody"),
        *(f"/referrals/{referral}", f"/referrals/{referral}/told", f"/escalations/{escalation}"),
    ]

    wrong = {}
    for path in paths:
        shown = ask(pages, "GET", path, cookie)
        assert shown.status_code == 200, (path, shown.text)
        if found := unreadable(read(shown.text)):
            wrong[path] = found

    assert not wrong, "\n".join(line for lines in wrong.values() for line in sorted(set(lines)))
    assert "refused the message (error 400)" in read(ask(pages, "GET", "/notices", cookie).text)


@pytest.mark.parametrize(
    "text",
    [
        *("Failed sms http 400", "sms_http_400", "Delivery sent on", "delivery.breached", "exit 3"),
        *("glasgow-sw met the fewest", "school-900001"),
        *("state: leased", "BROKER_SMS_URL is not set", "by None", "{{ moment }}"),
    ],
)
def test_what_nobody_can_read_would_be_seen(text: str) -> None:
    assert unreadable(read(f"<p>{text}</p>"))
    assert not unreadable(read(f'<p class="ops-code">{text}</p><a href="/{text}">Open</a>'))
