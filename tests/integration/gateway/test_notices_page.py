"""The page of alerts says who was not reached, why, and which number to call."""

import re

from starlette.testclient import TestClient

from broker.dashboard import wording
from broker.domain.codes import NoticeState, Right
from broker.flow.context import Context
from broker.flow.notify import notify
from tests.acceptance.conftest import World, sample
from tests.integration.gateway.test_rights import ask, pages, signed_in

__all__ = ["pages"]


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
    assert "channel not set" in text
    assert f'href="/ops/referrals/{status["id"]}">{document["reference"]}</a>' in text
    assert number not in ask(pages, "GET", "/notices?state=sent", cookie).text
    assert number in ask(pages, "GET", "/notices?state=nonsense", cookie).text


def test_every_state_of_an_alert_has_words() -> None:
    assert set(wording.NOTICE_STATES) == set(NoticeState)
