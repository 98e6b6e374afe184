"""A question goes with its part, from an office to its team out of hours and back."""

from collections.abc import Callable
from typing import Any

import pytest

from broker.flow import inbox_notices, notify
from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_cases_handover import OFFICE, TEAM, at, urgent
from tests.integration.inbox.conftest import Person
from tests.integration.inbox.test_arrivals import body
from tests.integration.inbox.test_questions import ANSWER, ASKED, FORM, answer, ask
from tests.mail_server import MailServer
from tests.rows import rows

NIGHT, MORNING = "2026-12-24 18:30", "2026-12-29 09:00"


@pytest.fixture
def jo(enter: Callable[..., Person]) -> Person:
    return enter(OFFICE, "Jo Example", "answer")


@pytest.fixture
def night(enter: Callable[..., Person]) -> Person:
    return enter(TEAM, "Nic Example", "answer")


def delivery_of(context: Context, agency: str) -> str:
    """Return the id of the latest delivery of an agency."""
    query = "select id from delivery where agency = %s order by id desc limit 1"
    ((id_,),) = rows(context, query, agency)
    return str(id_)


def asked_at_night(
    context: Context, world: World, night: Person, document: dict[str, Any] | None = None
) -> str:
    """Let the team out of hours take on a referral and ask about it; return the question."""
    world.at(NIGHT)
    world.routed(document or sample(2))
    item = delivery_of(context, TEAM)
    night.get(f"/items/{item}")
    night.post(f"/items/{item}/take-on")
    return ask(night, item)


def test_the_office_reads_what_its_team_asked_and_what_is_answered(
    context: Context, world: World, with_mail: MailServer, jo: Person, night: Person
) -> None:
    id_ = asked_at_night(context, world, night)
    at(world, MORNING)
    item = delivery_of(context, OFFICE)
    shown = jo.get(f"/items/{item}")
    assert ASKED in shown
    assert "Asked by Nic Example, Staffordshire emergency duty team" in shown
    assert "Not answered yet" in shown
    answer(world, id_, text=ANSWER)
    assert ANSWER in jo.get(f"/items/{item}")
    assert ANSWER in night.get(f"/items/{delivery_of(context, TEAM)}")
    notify.notify(context, kinds=[inbox_notices.ANSWERED])
    mails = {recipients[0]: body(mail) for recipients, mail in with_mail.got}
    assert sorted(mails) == ["jo.example@example.org", "nic.example@example.org"]
    assert f"/inbox/items/{item}" in mails["jo.example@example.org"]
    assert [text for text in mails.values() if ASKED in text or ANSWER in text] == []
    assert set(
        rows(
            context,
            "select organisation, delivery::text, member from notice where kind = %s",
            inbox_notices.ANSWERED,
        )
    ) == {(OFFICE, item, jo.id), (TEAM, delivery_of(context, TEAM), night.id)}


def test_the_team_reads_what_the_office_asked_before_it_closed(
    context: Context, world: World, jo: Person, night: Person
) -> None:
    world.at("2026-12-16 16:55")
    world.routed(urgent())
    jo.get(f"/items/{delivery_of(context, OFFICE)}")
    ask(jo, delivery_of(context, OFFICE))
    at(world, "2026-12-16 17:00")
    shown = night.get(f"/items/{delivery_of(context, TEAM)}")
    assert ASKED in shown
    assert "Asked by Jo Example, Staffordshire" in shown


def test_neither_reads_the_other_before_it_has_the_part_or_after_it_gave_it_away(
    context: Context, world: World, jo: Person, night: Person, enter: Callable[..., Person]
) -> None:
    world.at("2026-12-16 16:55")
    world.routed(urgent())
    first = delivery_of(context, OFFICE)
    jo.get(f"/items/{first}")
    at(world, "2026-12-16 17:00")
    theirs = delivery_of(context, TEAM)
    night.get(f"/items/{theirs}")
    ask(night, theirs)
    assert ASKED not in jo.get(f"/items/{first}")
    at(world, "2026-12-17 09:00")
    own = delivery_of(context, OFFICE)
    assert own != first
    assert ASKED in jo.get(f"/items/{own}")
    later = "Who has the telephone of the elder brother?"
    ask(jo, own, text=later)
    assert later not in night.get(f"/items/{theirs}")
    kim = enter("shropshire-csc", "Kim Example", "answer")
    kim.get(f"/items/{own}", 404)
    assert rows(context, "select count(*) from question") == [(2,)]


def test_other_agencies_of_the_referral_read_nothing_of_it(
    context: Context, world: World, night: Person, enter: Callable[..., Person]
) -> None:
    document = sample(9)
    document["grade"] = {**document["grade"], "level": "very_high"}
    asked_at_night(context, world, night, document)
    at(world, MORNING)
    others = rows(
        context,
        "select agency, id::text from delivery where agency <> all(%s) and state <> 'held'",
        [OFFICE, TEAM],
    )
    assert others
    for number, (agency, id_) in enumerate(others):
        person = enter(agency, f"Other Person{number}", "answer")
        assert ASKED not in person.get(f"/items/{id_}")


@pytest.mark.parametrize(("end", "is_open"), [("nothing", True), ("returned", False)])
def test_a_question_is_open_while_somebody_has_its_part(
    context: Context, world: World, jo: Person, night: Person, end: str, is_open: bool
) -> None:
    id_ = asked_at_night(context, world, night)
    at(world, MORNING)
    if end == "returned":
        item = delivery_of(context, OFFICE)
        jo.get(f"/items/{item}")
        jo.post(f"/items/{item}/return", reason="unreadable", confirmed="ops")
    listed: Any = world.client.get("/v1/questions", headers=world.police).json()
    assert [question["id"] for question in listed["questions"]] == [id_] * is_open
    answer(world, id_, 200 if is_open else 409, text=ANSWER)
    assert rows(context, "select count(*) from question_answer") == [(int(is_open),)]


def test_the_same_question_sent_again_after_the_hand_over_is_asked_once(
    context: Context, world: World, jo: Person, night: Person
) -> None:
    id_ = asked_at_night(context, world, night)
    item = delivery_of(context, TEAM)
    at(world, MORNING)
    night.post(f"/items/{item}/ask", question=id_, **FORM)
    assert rows(context, "select count(*) from question") == [(1,)]
