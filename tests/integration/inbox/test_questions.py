"""An agency asks the police, they answer, and nobody else reads either."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
import pytest
from starlette.testclient import TestClient

from broker.admin import questions
from broker.channels.registry import CHANNELS
from broker.domain.codes import MemberRight, Right
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.flow import inbox_notices, notify
from broker.flow.context import Context
from broker.flow.policy_cache import PolicyCache
from broker.ledger.members import SignedInMember
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock
from tests.integration.gateway.conftest import listening
from tests.integration.gateway.test_rights import ask as ops_ask
from tests.integration.gateway.test_rights import pages, signed_in
from tests.integration.inbox.conftest import OFFICE, Person
from tests.integration.inbox.test_arrivals import body
from tests.mail_server import MailServer
from tests.rows import rows
from tests.unit.cli.conftest import Run, run

__all__ = ["pages", "run"]

ASKED = "May we ring the school about Zebedee before Monday?"
ANSWER = "Yes, but not his tutor Balthazar."
FORM = {"topic": "contact", "text": ASKED}
ID = re.compile(r'name="question" value="([^"]+)"')


@pytest.fixture
def jo(enter: Callable[..., Person]) -> Person:
    return enter(OFFICE, "Jo Example", "answer", "administer")


@pytest.fixture
def item(context: Context, world: World, jo: Person) -> str:
    """The id of a referral that the office has opened."""
    world.routed(sample(12))
    ((id_,),) = rows(context, "select id from delivery where agency = %s", OFFICE)
    jo.get(f"/items/{id_}")
    return str(id_)


def ask(jo: Person, item: str, **changed: str) -> str:
    """Send a question as the page does; return its id."""
    (id_,) = ID.findall(jo.get(f"/items/{item}/ask"))
    jo.post(f"/items/{item}/ask", **{**FORM, "question": id_, **changed})
    return id_


def answer(world: World, question: str, status: int = 200, **given: Any) -> dict[str, Any]:
    """Answer a question as its publisher."""
    path = f"/v1/questions/{question}/answer"
    reply = world.client.post(path, json={"by": "DC Example", **given}, headers=world.police)
    assert reply.status_code == status, reply.text
    result: dict[str, Any] = reply.json()
    return result


def test_a_question_reaches_its_publisher_once(
    context: Context, world: World, jo: Person, item: str
) -> None:
    id_ = ask(jo, item)
    jo.post(f"/items/{item}/ask", **FORM, question=id_)
    assert rows(context, "select id::text, delivery::text, member, topic, text from question") == [
        (id_, item, jo.id, "contact", ASKED)
    ]
    assert rows(
        context,
        "select actor, agency, data from event where kind = 'delivery.question_asked'",
    ) == [(f"member:{jo.id}", OFFICE, {"question": id_, "topic": "contact"})]
    feed = world.client.get("/v1/events?limit=100", headers=world.police).json()["events"]
    assert [e["data"] for e in feed if e["kind"] == "delivery.question_asked"] == [
        {"question": id_, "topic": "contact"}
    ]
    (listed,) = world.client.get("/v1/questions", headers=world.police).json()["questions"]
    assert (listed["id"], listed["text"], listed["asked_by"], listed["agency"]) == (
        id_,
        ASKED,
        "Jo Example",
        OFFICE,
    )
    assert ASKED in jo.get(f"/items/{item}")
    assert "Not answered yet" in jo.get(f"/items/{item}")


def test_a_question_has_an_owner_and_a_deadline_until_it_is_answered(
    context: Context, world: World, jo: Person, item: str
) -> None:
    id_ = ask(jo, item)
    tasks = "select code, pointer, state, settled_because, due_at > opened_at from task"
    assert rows(context, f"{tasks} where code = 'question-asked'") == [
        ("question-asked", f"/questions/{id_}", "open", None, True)
    ]
    correction = {**sample(12), "narrative": "Another text."}
    ((referral,),) = rows(context, "select referral from delivery where id = %s", item)
    path = f"/v1/referrals/{referral}/corrections"
    assert world.client.post(path, json=correction, headers=world.police).status_code == 202
    world.drain()
    assert rows(context, "select state from task where code = 'question-asked'") == [("open",)]
    answer(world, id_, version=2)
    assert rows(
        context, "select state, settled_because from task where code = 'question-asked'"
    ) == [("settled", "answered")]
    assert "The correction to version 2 answers it" in jo.get(f"/items/{item}")


def test_an_answer_is_read_by_who_asked_and_told_by_mail(
    context: Context, world: World, with_mail: MailServer, jo: Person, item: str
) -> None:
    id_ = ask(jo, item)
    first = answer(world, id_, text=ANSWER)
    assert answer(world, id_, text=ANSWER) == first
    answer(world, id_, 409, text="Something else.")
    assert rows(context, "select question::text, given_by, text, version from question_answer") == [
        (id_, "DC Example", ANSWER, None)
    ]
    assert rows(
        context, "select agency, data from event where kind = 'delivery.question_answered'"
    ) == [(OFFICE, {"question": id_, "version": None})]
    shown = jo.get(f"/items/{item}")
    assert ANSWER in shown
    assert "DC Example" in shown
    notify.notify(context)
    ((recipients, mail),) = with_mail.got
    assert recipients == ["jo.example@example.org"]
    assert f"/inbox/items/{item}" in body(mail)
    assert ANSWER not in body(mail)
    assert ASKED not in body(mail)
    assert rows(
        context, "select state, member from notice where kind = %s", inbox_notices.ANSWERED
    ) == [("sent", jo.id)]


def test_who_wants_no_mail_gets_none_of_an_answer(
    context: Context, world: World, with_mail: MailServer, jo: Person, item: str
) -> None:
    id_ = ask(jo, item)
    jo.post("/team/mail", mail="no")
    answer(world, id_, text=ANSWER)
    assert rows(context, "select count(*) from notice") == [(0,)]


def test_nobody_else_reads_or_answers_a_question(
    context: Context, world: World, enter: Callable[..., Person], jo: Person, item: str
) -> None:
    id_ = ask(jo, item)
    other = world.headers("west-mercia-police", "publish")
    agency = world.headers(OFFICE, "collect")
    assert world.client.get("/v1/questions", headers=other).json() == {"questions": []}
    assert world.client.get("/v1/questions", headers=agency).status_code == 403
    path, given = f"/v1/questions/{id_}/answer", {"by": "X", "text": "No."}
    assert world.client.post(path, json=given, headers=other).status_code == 404
    assert world.client.post(path, json=given, headers=agency).status_code == 403
    ops = world.headers("ops", "ops")
    (seen,) = world.client.get("/v1/questions", headers=ops).json()["questions"]
    assert seen["text"] == ASKED
    kim = enter("shropshire-csc", "Kim Example", "answer")
    kim.get(f"/items/{item}/ask", 404)
    kim.post(f"/items/{item}/ask", 404, **FORM, question="01977f2e-8a10-7b55-8d05-4e5f60718293")
    assert rows(context, "select count(*) from question") == [(1,)]
    assert rows(context, "select count(*) from question_answer") == [(0,)]


def test_who_may_only_read_asks_nothing(
    context: Context, world: World, enter: Callable[..., Person], item: str
) -> None:
    reader = enter(OFFICE, "Lee Example")
    reader.get(f"/items/{item}/ask", 403)
    reader.post(f"/items/{item}/ask", 403, **FORM, question=item)
    assert "Ask the police" not in reader.get(f"/items/{item}")
    assert rows(context, "select count(*) from question") == [(0,)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"topic": ""}, "Choose what it is about"),
        ({"topic": "nonsense"}, "There is a problem"),
        ({"text": "  "}, "Write your question"),
        ({"text": "."}, "Write your question"),
        ({"text": "x" * 2001}, "2000 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    context: Context, jo: Person, item: str, changed: dict[str, str], message: str
) -> None:
    (id_,) = ID.findall(jo.get(f"/items/{item}/ask"))
    shown = jo.post(f"/items/{item}/ask", 422, **{**FORM, "question": id_, **changed}).text
    assert message in shown
    assert ID.findall(shown) == [id_]
    assert changed.get("text", ASKED).strip() in shown
    assert rows(context, "select count(*) from question") == [(0,)]


def test_what_was_taken_back_is_not_asked_about_and_shows_no_question(
    context: Context, world: World, jo: Person, item: str
) -> None:
    ask(jo, item)
    ((referral,),) = rows(context, "select referral from delivery where id = %s", item)
    recall = {"reason": "sent_in_error", "by": "DC Example"}
    path = f"/v1/referrals/{referral}/recall"
    assert world.client.post(path, json=recall, headers=world.police).status_code < 300
    world.drain()
    ((recalled,),) = rows(context, "select id from delivery where kind = 'recall'")
    for id_ in (item, recalled):
        shown = jo.get(f"/items/{id_}")
        assert ASKED not in shown
        assert "Ask the police" not in shown
        jo.post(f"/items/{id_}/ask", 409, **FORM, question=str(referral))
    assert rows(context, "select count(*) from question") == [(1,)]
    assert rows(context, "select state from task where code = 'question-asked'") == [("settled",)]


@pytest.mark.parametrize("end", ["recall", "return"])
def test_what_the_agency_no_longer_has_is_not_answered(
    context: Context, world: World, with_mail: MailServer, jo: Person, item: str, end: str
) -> None:
    id_ = ask(jo, item)
    if end == "recall":
        ((referral,),) = rows(context, "select referral from delivery where id = %s", item)
        recall = {"reason": "sent_in_error", "by": "DC Example"}
        path = f"/v1/referrals/{referral}/recall"
        assert world.client.post(path, json=recall, headers=world.police).status_code < 300
        world.drain()
    else:
        jo.post(f"/items/{item}/return", reason="not_ours", confirmed="ops")
    problem = answer(world, id_, 409, text=ANSWER)
    assert "no longer has this referral" in problem["detail"]
    assert rows(context, "select count(*) from question_answer") == [(0,)]
    assert rows(context, "select id from event where kind = 'delivery.question_answered'") == []
    assert rows(context, "select id from notice where kind = %s", inbox_notices.ANSWERED) == []
    assert ANSWER not in jo.get(f"/items/{item}")
    assert world.client.get("/v1/questions", headers=world.police).json() == {"questions": []}
    (listed,) = world.client.get("/v1/questions?state=all", headers=world.police).json()[
        "questions"
    ]
    assert listed["answered_at"] is None


def test_an_answer_stands_when_the_agency_no_longer_has_it(
    context: Context, world: World, jo: Person, item: str
) -> None:
    id_ = ask(jo, item)
    first = answer(world, id_, text=ANSWER)
    jo.post(f"/items/{item}/return", reason="not_ours", confirmed="ops")
    assert answer(world, id_, text=ANSWER) == first
    assert rows(context, "select text from question_answer") == [(ANSWER,)]


@pytest.mark.parametrize("changed", [{"text": "Another question."}, {"topic": "other"}])
def test_a_form_that_was_sent_already_asks_nothing_else(
    context: Context, jo: Person, item: str, changed: dict[str, str]
) -> None:
    id_ = ask(jo, item)
    form = {**FORM, "question": id_, **changed}
    shown = jo.post(f"/items/{item}/ask", 409, **form).text
    assert "sent another question with this form" in shown
    assert rows(context, "select topic, text from question") == [("contact", ASKED)]


def test_questions_are_listed_by_when_they_were_asked(
    world: World, jo: Person, item: str, clock: FixedClock
) -> None:
    last = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    jo.post(f"/items/{item}/ask", **FORM, question=last)
    clock.advance(seconds=1)
    later = ask(jo, item)
    listed = world.client.get("/v1/questions", headers=world.police).json()["questions"]
    assert [question["id"] for question in listed] == [later, last]


def test_a_version_that_is_not_there_answers_nothing(
    context: Context, world: World, jo: Person, item: str
) -> None:
    id_ = ask(jo, item)
    problem = answer(world, id_, 422, version=2)
    assert problem["errors"][0]["pointer"] == "/version"
    answer(world, id_, 422)
    for nothing in ("", " ", ".", "\u200b", "\u3164"):
        answer(world, id_, 422, text=nothing)
    assert rows(context, "select count(*) from question_answer") == [(0,)]
    assert rows(context, "select state from task where code = 'question-asked'") == [("open",)]


def test_asking_needs_no_second_connection_for_the_policy(
    context: Context, jo: Person, item: str
) -> None:
    """The policy is read anew every few seconds, and never inside the transaction that asks."""
    late = count(step=1000)
    policies = PolicyCache(context.ledger, CHANNELS.forms, monotonic=lambda: float(next(late)))
    organisation, rights = OrganisationCode(OFFICE), frozenset({MemberRight.ANSWER})
    member = SignedInMember(jo.id, "Jo Example", organisation, "", rights, context.clock())
    id_ = context.new_id()
    questions.ask(
        replace(context, policies=policies), member, DeliveryId(UUID(item)), id=id_, form=FORM
    )
    assert rows(context, "select id from question") == [(id_,)]


def test_nobody_asks_without_end(context: Context, jo: Person, item: str) -> None:
    for _ in range(50):
        ask(jo, item)
    (id_,) = ID.findall(jo.get(f"/items/{item}/ask"))
    assert "Call the officer" in jo.post(f"/items/{item}/ask", 409, **FORM, question=id_).text
    assert rows(context, "select count(*) from question") == [(50,)]


def test_questions_and_answers_never_change(
    context: Context, world: World, jo: Person, item: str, dsn: str
) -> None:
    answer(world, ask(jo, item), text=ANSWER)
    for table in ("question", "question_answer"):
        for statement in (f"update {table} set text = 'x'", f"delete from {table}"):
            with psycopg.connect(dsn) as connection, pytest.raises(psycopg.Error):
                connection.execute(statement.encode())
    assert rows(context, "select text from question_answer") == [(ANSWER,)]


def test_no_word_of_it_is_logged(
    world: World, jo: Person, item: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer(world, ask(jo, item), text=ANSWER)
    said = capfd.readouterr()
    for word in ("Zebedee", "Balthazar"):
        assert word not in said.out + said.err


def test_the_command_lists_and_answers(
    context: Context, world: World, jo: Person, item: str, run: Run
) -> None:
    id_ = ask(jo, item)
    secret = world.police["Authorization"].removeprefix("Bearer ")
    with listening(context) as url:
        settings = {"BROKER_URL": url, "BROKER_KEY": secret}
        listed = run("questions", "list", **settings)
        assert ASKED in listed.out
        assert "Jo Example" in listed.out
        words = ("questions", "answer", id_, "--by", "DC Example")
        assert run(*words, **settings).code == 2
        assert run(*words, "--text", ANSWER, **settings).code == 0
        again = run(*words, "--text", "Something else.", **settings)
        assert again.code == 6
        assert "Nobody waits" in run("questions", "list", **settings).out
        assert ANSWER in run("questions", "list", "--all", **settings).out
    assert rows(context, "select given_by, text from question_answer") == [("DC Example", ANSWER)]


def test_the_command_shows_the_words_and_the_version_that_answer(
    context: Context, world: World, jo: Person, item: str, run: Run
) -> None:
    id_ = ask(jo, item)
    ((referral,),) = rows(context, "select referral from delivery where id = %s", item)
    correction = {**sample(12), "narrative": "Another text."}
    path = f"/v1/referrals/{referral}/corrections"
    assert world.client.post(path, json=correction, headers=world.police).status_code == 202
    world.drain()
    answer(world, id_, text=ANSWER, version=2)
    secret = world.police["Authorization"].removeprefix("Bearer ")
    with listening(context) as url:
        listed = run("questions", "list", "--all", BROKER_URL=url, BROKER_KEY=secret)
    assert f"{ANSWER} See version 2." in listed.out


def test_ops_see_who_asked_and_who_owes_the_answer_and_no_words(
    context: Context, world: World, jo: Person, item: str, pages: TestClient, clock: FixedClock
) -> None:
    """The page has the open questions of the tables, by deadline, and nothing of their words."""
    session = signed_in(context, *Right)
    assert "No question waits for an answer." in ops_ask(pages, "GET", "/questions", session).text
    first, second = ask(jo, item), ask(jo, item, topic="other", text="Is Balthazar his tutor?")
    later = (clock.now, second)
    with psycopg.connect(context.settings.database_url) as ledger:
        ledger.execute(
            "update task set due_at = %s where pointer = '/questions/' || %s::text",
            later,
        )
    clock.advance(seconds=1)
    waiting = context.ledger.questions.waiting_questions(now=clock.now, limit=9)
    assert [str(question.question) for question in waiting.questions] == [second, first]
    assert (waiting.total, waiting.late) == (2, 1)
    page = ops_ask(pages, "GET", "/questions", session).text
    (reference, publisher) = rows(context, "select reference, publisher from referral")[0]
    assert page.count(f"{reference}</a></th>") == 2
    assert "2 questions from agencies wait for an answer, 1 of them late." in page
    assert page.count(f'href="/ops/agencies/{OFFICE}"') == 2
    assert page.count(f'<a href="/ops/agencies/{publisher}">') == 2
    for words in (ASKED, "Zebedee", "Balthazar", "Jo Example asked"):
        assert words not in page
    attention = ops_ask(pages, "GET", "/attention", session).text
    assert '<a href="/ops/questions">2 questions to the police' in attention
    one = context.ledger.questions.waiting_questions(now=clock.now, limit=1, offset=1)
    assert ([str(q.question) for q in one.questions], one.total) == ([first], 2)
    answer(world, second, text=ANSWER)
    (left,) = context.ledger.questions.waiting_questions(now=clock.now, limit=9).questions
    assert str(left.question) == first
    asked = context.ledger.questions.questions(is_open=True, limit=9)
    assert [question.id for question in asked] == [left.question]
    beyond = ops_ask(pages, "GET", "/questions?page=7", session).text
    assert "There is nothing on this page." in beyond
