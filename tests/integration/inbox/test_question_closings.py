"""A question is closed with its reason and its task, whatever ends what it is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases_handover import OFFICE as DAY_OFFICE
from tests.acceptance.test_cases_handover import TEAM, at
from tests.acceptance.test_versions import alone, correct, recall, siblings
from tests.integration.gateway.conftest import listening
from tests.integration.inbox.conftest import Person
from tests.integration.inbox.test_questions import ANSWER, ASKED, FORM, answer, ask
from tests.rows import rows
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]

SHROPSHIRE = "shropshire-csc"
CLOSED = "select question::text, because from question_closing"
EVENTS = "select agency, data from event where kind = 'delivery.question_closed' order by id"
TASKS = "select state, settled_by, settled_because from task where code = 'question-asked'"


@dataclass
class Asked:
    """A question about a delivery, and who asked it."""

    world: World
    person: Person
    receipt: dict[str, Any]
    agency: str
    delivery: str
    question: str = ""

    def decide(self) -> None:
        """Decide on the delivery: people act on it then, so it has not ended."""
        decision = {"outcome": "assessment", "views_considered": "not_applicable"}
        given = {"delivery": self.delivery, "stage": "decided", "by": "Robin Sample", **decision}
        assert self.world.answer(self.agency, **given)["result"] == "recorded"


@pytest.fixture
def asked(context: Context, world: World, enter: Callable[..., Person]) -> Callable[..., Asked]:
    """Have somebody of an agency ask about a referral: ``asked(document, agency, when)``."""

    def make(document: dict[str, Any], agency: str, when: str) -> Asked:
        world.at(when)
        receipt = world.routed(document)
        person = enter(agency, "Jo Example", "answer")
        ((id_,),) = rows(context, "select id::text from delivery where agency = %s", agency)
        person.get(f"/items/{id_}")
        question = Asked(world, person, receipt, agency, id_)
        question.question = ask(person, id_)
        return question

    return make


def returned(asked: Asked) -> None:
    asked.person.post(f"/items/{asked.delivery}/return", reason="not_ours", confirmed="ops")


def redirected(asked: Asked) -> None:
    given = {"stage": "returned", "by": "Jo", "reason": "wrong_area", "area": "E10000028"}
    assert asked.world.answer(asked.agency, delivery=asked.delivery, **given)


def recalled(asked: Asked) -> None:
    assert recall(asked.world, asked.receipt).status_code == 202


def recalled_after_a_decision(asked: Asked) -> None:
    asked.decide()
    recalled(asked)


def dropped(asked: Asked) -> None:
    correct(asked.world, asked.receipt, alone())


def dropped_after_a_decision(asked: Asked) -> None:
    asked.decide()
    dropped(asked)


def recalled_after_a_hand_over(asked: Asked) -> None:
    at(asked.world, "2026-12-29 09:00")
    recalled(asked)


ENDS: dict[Callable[[Asked], None], tuple[str, Callable[[], dict[str, Any]], str, str]] = {
    returned: ("returned", siblings, SHROPSHIRE, "2027-03-25 10:00"),
    redirected: ("returned", siblings, SHROPSHIRE, "2027-03-25 10:00"),
    recalled: ("recalled", siblings, SHROPSHIRE, "2027-03-25 10:00"),
    recalled_after_a_decision: ("recalled", siblings, SHROPSHIRE, "2027-03-25 10:00"),
    dropped: ("recalled", siblings, SHROPSHIRE, "2027-03-25 10:00"),
    dropped_after_a_decision: ("recalled", siblings, SHROPSHIRE, "2027-03-25 10:00"),
    recalled_after_a_hand_over: ("recalled", lambda: sample(2), TEAM, "2026-12-24 18:30"),
}
"""What ends a delivery, how that is called, and a referral of which an agency has a part."""


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_whatever_ends_a_delivery_closes_its_question(
    context: Context,
    world: World,
    asked: Callable[..., Asked],
    enter: Callable[..., Person],
    end: Callable[[Asked], None],
) -> None:
    because, document, agency, when = ENDS[end]
    question = asked(document(), agency, when)
    assert rows(context, TASKS) == [("open", None, None)]
    end(question)
    assert rows(context, CLOSED) == [(question.question, because)]
    told = {"question": question.question, "because": because}
    assert rows(context, EVENTS) == [(agency, told)]
    assert rows(context, TASKS) == [("settled", "broker", "question_closed")]
    feed = world.client.get("/v1/events?limit=500", headers=world.police).json()["events"]
    assert [e["data"] for e in feed if e["kind"] == "delivery.question_closed"] == [told]
    assert world.client.get("/v1/questions", headers=world.police).json() == {"questions": []}
    everything = world.client.get("/v1/questions?state=all", headers=world.police).json()
    (listed,) = everything["questions"]
    assert (listed["closed_because"], listed["answered_at"]) == (because, None)
    assert listed["closed_at"] is not None
    assert (
        "no longer has this referral"
        in answer(world, question.question, 409, text=ANSWER)["detail"]
    )
    again = "01977f2e-8a10-7b55-8d05-4e5f60718293"
    path = f"/items/{question.delivery}/ask"
    later = enter(agency, "Jo Example", "answer")  # the session has ended meanwhile
    refused = later.post(path, 409, **FORM, question=again).text
    assert "You do not have this referral any more" in refused
    assert rows(context, "select count(*) from question") == [(1,)]


def test_a_decision_ends_nothing(
    context: Context, world: World, asked: Callable[..., Asked]
) -> None:
    question = asked(siblings(), SHROPSHIRE, "2027-03-25 10:00")
    question.decide()
    assert rows(context, CLOSED) == []
    answer(world, question.question, text=ANSWER)
    assert rows(context, TASKS) == [("settled", "broker", "answered")]


def test_what_another_agency_does_and_an_answer_close_nothing(
    context: Context, world: World, asked: Callable[..., Asked]
) -> None:
    question = asked(siblings(), SHROPSHIRE, "2027-03-25 10:00")
    (offered,) = world.collect(DAY_OFFICE)
    given = {"stage": "returned", "by": "Sam", "reason": "not_ours"}
    world.answer(DAY_OFFICE, delivery=offered["delivery"], **given)
    assert rows(context, CLOSED) == []
    first = answer(world, question.question, text=ANSWER)
    returned(question)
    assert rows(context, CLOSED) == []
    assert answer(world, question.question, text=ANSWER) == first
    assert first["closed_at"] is None


def test_pages_and_commands_say_why_it_was_closed(
    context: Context, world: World, asked: Callable[..., Asked], run: Run
) -> None:
    question = asked(siblings(), SHROPSHIRE, "2027-03-25 10:00")
    returned(question)
    shown = question.person.get(f"/items/{question.delivery}")
    assert "Closed without an answer" in shown
    assert "This referral was returned." in shown
    assert "Not answered yet" not in shown
    secret = world.police["Authorization"].removeprefix("Bearer ")
    with listening(context) as url:
        settings = {"BROKER_URL": url, "BROKER_KEY": secret}
        assert ASKED not in run("questions", "list", **settings).out
        listed = run("questions", "list", "--all", **settings).out
        assert "not answered: The agency returned the referral." in listed


def test_closings_never_change(context: Context, asked: Callable[..., Asked]) -> None:
    returned(asked(siblings(), SHROPSHIRE, "2027-03-25 10:00"))
    for change in (
        "update question_closing set because = 'recalled'",
        "delete from question_closing",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(context, f"{change} returning question")
