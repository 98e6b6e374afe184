"""What the check says before sending, and what the pages say of what became of it."""

import re
from collections.abc import Callable
from html import unescape

import pytest

from broker.domain.codes import PauseReason
from broker.flow.clock_pause import pause_clock
from broker.flow.context import Context
from tests.acceptance.conftest import World, about_nobody, sample
from tests.integration.inbox.conftest import Person
from tests.integration.referral_form.conftest import FORCE, NEEDED, Sergeant, fill_needed
from tests.rows import rows

WORK = {
    "roles-0-kind": "employment",
    "roles-0-title": "Teacher",
    "roles-0-organisation": "Hazelbarrow High School",
    "roles-0-area": "Staffordshire",
    "roles-0-works_with_children": "yes",
}


@pytest.fixture(autouse=True)
def in_december(world: World) -> None:
    world.at("2026-12-18 16:50")


def test_open_answers_are_counted_where_they_are_asked(sergeant: Sergeant) -> None:
    sergeant.begin("SP/1")
    assert "You cannot send it yet. Complete: How urgent it is" in sergeant.page()
    for page, form in NEEDED.items():
        sergeant.fill(page, form)
    tasks = sergeant.page()
    assert "You can send it now. 5 answers are still open." in tasks
    assert "4 answers open" in tasks
    assert "1 answer open" in tasks  # what the child said
    assert "Police first knew yesterday 14:20, 1 day ago." in tasks
    sergeant.fill("children/0/voice", {"spoken": "no", "not_asked": "She is asleep."})
    tasks = sergeant.page()
    assert "4 answers are still open" in tasks
    checked = unescape(sergeant.page("/check"))
    assert f"/drafts/{sergeant.draft}/children/0/about" in checked
    assert not re.search("[ >]child-1", checked)  # names stand for ids


def test_who_is_not_told_and_who_waits_is_said_before_sending(
    world: World, sergeant: Sergeant
) -> None:
    fill_needed(sergeant, "SP/1")
    sergeant.fill("people/new", {"family_name": "Marchbanks"})
    sergeant.fill("people/0/work", WORK)
    assert "Staffordshire designated officer (sample)" in sergeant.page("/check")
    sergeant.fill("handling", {"handling-do_not_disclose_to": "lado"})
    checked = unescape(sergeant.page("/check"))
    assert "Who is not told" in checked
    assert (
        "Staffordshire designated officer (sample) is not told, as the publisher asked" in checked
    )
    embargo = {
        "handling-embargo-until-day": "22",
        "handling-embargo-until-month": "12",
        "handling-embargo-until-year": "2026",
        "handling-embargo-until-time": "6.00",
        "handling-embargo-reason": "An arrest is planned.",
        "handling-embargo-no_contact_with-school": "yes",
    }
    sergeant.fill("handling", embargo)
    sergeant.fill("children/0/care", {"school-urn": "900001"})
    assert "No contact before Tuesday 22 December, 06:00" in sergeant.page()
    checked = sergeant.page("/check")
    assert "Slipware Lane Academy, Stoke-on-Trent (sample)" in checked
    assert "Waits until the embargo ends: Tuesday 22 December, 06:00." in checked


def test_that_nobody_is_found_is_said_before_sending(context: Context, sergeant: Sergeant) -> None:
    fill_needed(sergeant, "SP/1")
    sergeant.fill("children/0/where", {"area": ""})
    checked = sergeant.page("/check")
    assert "No agency found" in checked
    assert "must find one by today 17:50" in checked
    referral = sergeant.send()
    assert rows(context, "select state from referral") == [("accepted",)]
    assert "Agencies get it in a moment" in sergeant.get(f"/sent/{referral}")


def test_who_has_it_and_who_is_late_is_shown(
    context: Context, world: World, sergeant: Sergeant
) -> None:
    fill_needed(sergeant, "SP/1")
    referral = sergeant.send()
    world.drain()
    assert "Waits for them to open it" in sergeant.get(f"/sent/{referral}")
    assert "0 of 1 agency has taken it on" in sergeant.get("/")
    ((agency, delivery),) = rows(context, "select agency, id::text from delivery")
    world.collect(agency)
    world.answer(agency, delivery=delivery, stage="acknowledged", by="Robin Sample")
    status = sergeant.get(f"/sent/{referral}")
    assert "Somebody has taken it on, Robin Sample" in status
    assert "No agency is late." in status
    assert "1 of 1 agency has taken it on" in sergeant.get("/")
    decision = {"outcome": "assessment", "views_considered": "not_applicable"}
    world.answer(agency, delivery=delivery, stage="decided", by="Robin Sample", **decision)
    assert "Assessment" in sergeant.get(f"/sent/{referral}")


def test_an_agency_that_is_late_is_shown_so(
    context: Context, world: World, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    fill_needed(sergeant, "SP/1")
    referral = sergeant.send()
    world.drain()
    world.clock.now = rows(context, "select max(acknowledge_by) from delivery")[0][0]
    world.clock.advance(minutes=20)
    later = Sergeant(enter(FORCE, "Sam Example", "publish"))
    status = later.get(f"/sent/{referral}")
    assert "1 agency is late." in status
    assert "20 minutes late" in status
    assert "0 of 1 agency has taken it on, 1 late" in later.get("/")


def test_a_deadline_that_is_not_paused_is_late_beside_one_that_is(
    context: Context, world: World, enter: Callable[..., Person]
) -> None:
    receipt = world.routed(sample(8))
    ((delivery, due),) = rows(
        context,
        "select id, acknowledge_by from delivery where agency like '%%probation%%' and state <> %s",
        "held",
    )
    pause_clock(context, delivery, PauseReason.INFORMATION_REQUESTED, agency=None, actor="ops")
    ((standing,),) = rows(context, "select standing from delivery where paused_at is not null")
    assert standing == ["decide"]
    world.clock.now = due
    world.clock.advance(minutes=20)
    status = Sergeant(enter(FORCE, "Sam Example", "publish")).get(f"/sent/{receipt['id']}")
    (line,) = [part for part in status.split("<tr>") if "robation" in part]
    assert "20 minutes late" in line
    world.answer(
        rows(context, "select agency from delivery where id = %s", delivery)[0][0],
        delivery=str(delivery),
        stage="acknowledged",
        by="Robin Sample",
    )
    status = Sergeant(enter(FORCE, "Sam Example", "publish")).get(f"/sent/{receipt['id']}")
    (line,) = [part for part in status.split("<tr>") if "robation" in part]
    assert "The deadline is paused" in line


def test_who_returned_a_referral_is_not_late(
    context: Context, world: World, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    fill_needed(sergeant, "SP/1")
    referral = sergeant.send()
    world.drain()
    ((agency, delivery),) = rows(context, "select agency, id::text from delivery")
    world.collect(agency)
    world.answer(agency, delivery=delivery, stage="returned", by="Robin", reason="not_ours")
    assert rows(context, "select state from delivery") == [("returned",)]
    world.clock.advance(days=10)
    later = Sergeant(enter(FORCE, "Sam Example", "publish"))
    assert "0 of 1 agency has taken it on<" in later.get("/")
    assert "No agency is late." in later.get(f"/sent/{referral}")


def test_what_was_rejected_can_be_sent_anew(
    context: Context, world: World, sergeant: Sergeant
) -> None:
    receipt = world.routed(about_nobody({**sample(1), "reference": "SP/1"}))
    assert "It was rejected, so no agency has it." in sergeant.get(f"/sent/{receipt['id']}")
    sergeant.post(f"/sent/{receipt['id']}/correct", {}, 409)
    fill_needed(sergeant, "SP/1")
    sergeant.send()
    world.drain()
    assert ("routed",) in rows(context, "select state from referral")
