"""Every list of alerts says who was not reached, why, and which number to call."""

import json
import re

import psycopg
from starlette.testclient import TestClient

from broker.dashboard import wording
from broker.domain.codes import NoticeState, Right, Scope
from broker.flow.context import Context
from broker.flow.notify import notify
from tests.acceptance.conftest import World, sample
from tests.integration.gateway.test_rights import ask, pages, signed_in
from tests.unit.cli.conftest import Run, run

__all__ = ["pages", "run"]


def test_an_alert_that_failed_is_shown_with_the_number_to_call(
    world: World, pages: TestClient, context: Context
) -> None:
    cookie = signed_in(context, *Right)
    empty = ask(pages, "GET", "/notices", cookie)
    assert "There is no such alert." in empty.text
    world.at("2026-12-21 10:00")
    document = sample(1)
    status = world.routed(document)
    world.at("2026-12-21 12:01")
    world.watch()
    notify(context)  # no channel is set, so it fails
    shown = ask(pages, "GET", "/notices", cookie)
    text = re.sub(r"\s+", " ", shown.text)
    duty = context.policies.latest().directory.organisation("stoke-csc")
    assert duty is not None
    number = duty.telephones["duty"].number
    assert f'<a href="tel:{number.replace(" ", "")}">{number}</a>' in text
    assert "This way of sending is not set up here" in text
    assert f'href="/ops/referrals/{status["id"]}">{document["reference"]}</a>' in text
    assert number not in ask(pages, "GET", "/notices?state=sent", cookie).text
    assert number in ask(pages, "GET", "/notices?state=nonsense", cookie).text
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute("update notice set organisation = 'nca', contact = 'manager'")
    unknown = ask(pages, "GET", "/notices", cookie).text
    assert "no telephone in the directory" in unknown
    assert "tel:" not in unknown


def test_the_call_and_the_command_give_the_number_of_the_contact_itself(
    world: World, context: Context, address: str, run: Run
) -> None:
    world.at("2026-12-21 10:00")
    world.routed(sample(1))
    world.at("2026-12-21 12:01")
    world.watch()
    notify(context)
    ops = world.key("ops", Scope.OPS)
    (listed,) = world.client.get("/v1/notices?state=failed", headers=ops).json()["notices"]
    entry = context.policies.latest().directory.organisation(listed["organisation"])
    assert entry is not None
    telephone = entry.telephones[listed["contact"]]
    shown = (listed["telephone"], listed["telephone_hours"])
    assert shown == (telephone.number, telephone.words)
    settings = {"BROKER_URL": address, "BROKER_KEY": ops["Authorization"].removeprefix("Bearer ")}
    command = ("notices", "list", "--state", "failed")
    assert json.loads(run(*command, "--json", **settings).out) == {"notices": [listed]}
    table = " ".join(run(*command, **settings).out.split())
    assert telephone.number in table
    assert telephone.words in table


def test_every_state_of_an_alert_has_words() -> None:
    assert set(wording.NOTICE_STATES) == set(NoticeState)
