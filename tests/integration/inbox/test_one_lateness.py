"""What is late or paused is so on the list, the page, in emails, the API and the pages for ops."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from broker.admin import membership, operator_actions
from broker.domain.codes import Right
from broker.domain.ids import OrganisationCode
from broker.flow import inbox_notices
from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.integration.gateway.test_rights import pages, signed_in
from tests.integration.inbox.conftest import Person
from tests.mail_server import MailServer
from tests.rows import rows

__all__ = ["pages"]

OFFICER = "staffordshire-lado"
"""Has three working days to decide, and policy lets that deadline be paused."""
LIST = re.compile(r'<li class="in-item[^>]*>.*?</li>', re.DOTALL)
BOX = re.compile(r'<section class="in-do.*?</h2>', re.DOTALL)
WHY = re.compile(r'<h2 id="doc-why".*?</section>', re.DOTALL)


class Delivery:
    """A delivery to a designated officer who has taken it on, and what each page says of it."""

    def __init__(
        self, context: Context, world: World, browser: TestClient, people: tuple[Person, Person]
    ) -> None:
        self.context, self.world, self.browser = context, world, browser
        self.jo, self.sergeant = people
        self.referral = world.routed(sample(5))["id"]
        query = "select id::text from delivery where agency = %s"
        ((self.id,),) = rows(context, query, OFFICER)
        self.jo.get(f"/items/{self.id}")
        self.jo.post(f"/items/{self.id}/take-on")
        ((self.due_at,),) = rows(context, "select decide_by from delivery where id = %s", self.id)

    @property
    def headers(self) -> dict[str, str]:
        return self.world.headers(OFFICER, "collect")

    def pause(self) -> None:
        answer = self.world.client.post(
            f"/v1/deliveries/{self.id}/pause",
            json={"reason": "information_requested"},
            headers=self.headers,
        )
        assert answer.status_code == 200, answer.text

    def resume(self) -> None:
        path = f"/v1/deliveries/{self.id}/resume"
        assert self.world.client.post(path, headers=self.headers).status_code == 200

    def at(self, now: datetime) -> None:
        """Move the clock, and have everybody sign in anew: their sessions may be over."""
        self.world.clock.now = now
        for person in (self.jo, self.sergeant):
            link = membership.new_link(self.context.ledger, person.id, url="", now=now)
            person.browser.post(link, data={"next": ""}, follow_redirects=False)

    def said(self) -> dict[str, str]:
        """Return what is said of its deadline by everything that says something."""
        own = next(each for each in self.status()["deliveries"] if each["id"] == self.id)
        api = "late" if own["late"] else "paused" if own["paused"] else "neither"
        sent = self.sergeant.get(f"/referrals/sent/{self.referral}")
        line = next(row for row in sent.split("<tr") if "designated officer" in row.lower())
        return {
            "list": self._list(),
            "item": _verdict(BOX.findall(self.jo.get(f"/items/{self.id}"))[0]),
            "document": _verdict(WHY.findall(self.jo.get(f"/items/{self.id}"))[0]),
            "paper": _verdict(WHY.findall(self.jo.get(f"/items/{self.id}/print"))[0]),
            "api": api,
            "risk": self._risk(),
            "queue": self._queue(),
            "publisher": _verdict(line),
            "ops": self._ops(),
        }

    def status(self) -> dict[str, Any]:
        path = f"/v1/referrals/{self.referral}"
        result: dict[str, Any] = self.world.client.get(path, headers=self.world.police).json()
        return result

    def reminded(self) -> int:
        """Return how many emails remind of its deadline now."""
        return inbox_notices.remind(self.context)

    def _list(self) -> str:
        lines = [line for line in LIST.findall(self.jo.get("/")) if self.id in line]
        return _verdict(lines[0]) if lines else "neither"

    def _risk(self) -> str:
        headers = self.world.headers("ops", "ops")
        listed = self.world.client.get("/v1/deadlines?all=true&within=1", headers=headers)
        assert listed.status_code == 200, listed.text
        own = [each for each in listed.json()["deadlines"] if each["delivery"] == self.id]
        is_late = bool(own) and own[0]["why"] == "breached"
        return "late" if is_late else "neither" if own or self._is_done() else "paused"

    def _queue(self) -> str:
        work = self.context.ledger.monitoring.open_work(now=self.world.clock.now)
        queue = work.get(OrganisationCode(OFFICER))
        if queue is None:
            return "neither"
        return "late" if queue.overdue else "paused" if queue.paused else "neither"

    def _ops(self) -> str:
        headers = {"Cookie": signed_in(self.context, Right.VIEW)["cookie"]}
        answer = self.browser.get(f"/ops/referrals/{self.referral}", headers=headers)
        assert answer.status_code == 200, answer.headers
        page = answer.text
        (card,) = re.findall(rf'id="d-{self.id}".*?</section>', page, re.DOTALL)
        (row,) = re.findall(r'<th scope="row">decide</th>.*?</tr>', card, re.DOTALL)
        return _verdict(row.replace("–", ""))

    def _is_done(self) -> bool:
        ((state,),) = rows(self.context, "select state from delivery where id = %s", self.id)
        return bool(state == "decided")


def _verdict(text: str) -> str:
    """Return what a part of a page says of a deadline."""
    lower = text.lower()
    if "paused" in lower:
        return "paused"
    return "late" if "was due" in lower or "late" in lower else "neither"


@pytest.fixture
def delivery(
    context: Context,
    world: World,
    pages: TestClient,
    with_mail: MailServer,
    enter: Callable[..., Person],
) -> Delivery:
    world.at("2026-12-14 10:00")
    jo = enter(OFFICER, "Jo Example", "answer")
    sergeant = enter("staffordshire-police", "Sam Sergeant", "publish")
    return Delivery(context, world, pages, (jo, sergeant))


def expected(verdict: str) -> set[str]:
    return {verdict}


@pytest.mark.parametrize("offset", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_deadline_that_runs(delivery: Delivery, offset: timedelta) -> None:
    delivery.at(delivery.due_at + offset)
    said = delivery.said()
    assert set(said.values()) == expected("late" if offset > timedelta() else "neither"), said


def test_a_paused_deadline_is_late_nowhere_whatever_the_time(delivery: Delivery) -> None:
    delivery.at(delivery.due_at - timedelta(hours=1))
    delivery.pause()
    for offset in (timedelta(minutes=-20), timedelta(days=2)):
        delivery.at(delivery.due_at + offset)
        said = delivery.said()
        assert set(said.values()) == expected("paused"), (offset, said)
        assert delivery.reminded() == 0


def test_a_deadline_that_had_passed_before_it_was_paused_is_late(delivery: Delivery) -> None:
    delivery.at(delivery.due_at + timedelta(minutes=1))
    delivery.pause()
    said = delivery.said()
    assert set(said.values()) == expected("late"), said


def test_a_resumed_deadline_is_the_moved_one(context: Context, delivery: Delivery) -> None:
    delivery.at(delivery.due_at - timedelta(hours=1))
    delivery.pause()
    delivery.at(delivery.due_at + timedelta(days=1))
    delivery.resume()
    ((moved,),) = rows(context, "select decide_by from delivery where id = %s", delivery.id)
    assert moved > delivery.due_at + timedelta(hours=12)
    delivery.at(moved - timedelta(minutes=10))
    said = delivery.said()
    assert set(said.values()) == expected("neither"), said
    assert delivery.reminded() == 1
    delivery.at(moved + timedelta(minutes=10))
    assert set(delivery.said().values()) == expected("late")


def test_what_is_decided_is_not_late(delivery: Delivery) -> None:
    delivery.jo.post(
        f"/items/{delivery.id}/decide", outcome="advice", views_considered="yes",
        child_told="yes", confirmed="1",
    )  # fmt: skip
    delivery.at(delivery.due_at + timedelta(days=1))
    said = delivery.said()
    assert set(said.values()) == expected("neither"), said


@pytest.mark.parametrize("offset", [timedelta(hours=-1), timedelta(hours=1)])
def test_while_delivery_to_the_agency_is_suspended_its_deadlines_run(
    context: Context, delivery: Delivery, offset: timedelta
) -> None:
    operator_actions.suspend_agency(context, OrganisationCode(OFFICER), by="person:O", reason="T")
    delivery.at(delivery.due_at + offset)
    said = delivery.said()
    assert set(said.values()) == expected("late" if offset > timedelta() else "neither"), said


def test_the_page_to_decide_says_that_the_deadline_is_paused(delivery: Delivery) -> None:
    assert "Decide by" in delivery.jo.get(f"/items/{delivery.id}/decide")
    delivery.pause()
    shown = delivery.jo.get(f"/items/{delivery.id}/decide")
    assert "The deadline of the decision is paused." in shown
    assert "Decide by" not in shown
