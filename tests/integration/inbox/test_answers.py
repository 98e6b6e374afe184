"""What people do in an inbox is written as the receipts of software are, in their names."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.integration.inbox.conftest import OFFICE, Person
from tests.rows import rows

ITEM = re.compile(r'href="/inbox/items/([0-9a-f-]{36})"')


@pytest.fixture
def jo(enter: Callable[..., Person]) -> Person:
    return enter(OFFICE, "Jo Example", "answer", "administer")


@pytest.fixture
def item(world: World, jo: Person) -> str:
    """The id of a referral of which the office leads."""
    world.routed(sample(12))
    (id_,) = ITEM.findall(jo.get("/"))
    return str(id_)


def answers(context: Context, item: str) -> list[tuple[Any, ...]]:
    return rows(
        context,
        "select stage, given_by, outcome, note from answer where delivery = %s order by at, stage",
        item,
    )


def test_opening_is_kept_and_collects(context: Context, jo: Person, item: str) -> None:
    assert rows(context, "select count(*) from look") == [(0,)]
    jo.get(f"/items/{item}")
    assert rows(context, "select member, delivery::text, kind from look") == [
        (jo.id, item, "opened")
    ]
    assert answers(context, item) == [("collected", "Jo Example", None, None)]
    jo.get(f"/items/{item}/print")
    assert rows(context, "select kind from look order by at, id") == [("opened",), ("printed",)]
    assert len(answers(context, item)) == 1


def test_the_list_shows_no_name_and_the_item_does(jo: Person, item: str) -> None:
    listed, opened = jo.get("/"), jo.get(f"/items/{item}")
    names = [child["family_name"] for child in sample(12)["children"] if "family_name" in child]
    assert names
    assert not any(name in listed for name in names)
    assert all(name in opened for name in names)


def test_taking_on_is_said_in_the_persons_name(context: Context, jo: Person, item: str) -> None:
    jo.post(f"/items/{item}/take-on")
    assert ("acknowledged", "Jo Example", None, None) in answers(context, item)
    assert rows(context, "select member, given_by from handler") == [(jo.id, jo.id)]
    jo.post(f"/items/{item}/take-on")
    assert rows(context, "select count(*) from handler") == [(1,)]
    assert "Jo Example" not in jo.get("/?show=mine") or "You" in jo.get("/?show=mine")
    assert rows(context, "select actor from event where kind = 'delivery.acknowledged'") == [
        (f"member:{jo.id}",)
    ]


def test_a_decision_is_checked_before_it_is_sent(context: Context, jo: Person, item: str) -> None:
    form = {"outcome": "assessment", "note": "Visit on Monday.", "views_considered": "yes"}
    form["child_told"] = "not_yet"
    checked = jo.post(f"/items/{item}/decide", 200, **form).text
    assert "Check your answers" in checked
    assert "Visit on Monday." in checked
    assert all(stage != "decided" for stage, *_ in answers(context, item))
    (version,) = re.findall(r'name="confirmed" value="([^"]+)"', checked)
    jo.post(f"/items/{item}/decide", **form, confirmed=version)
    assert ("decided", "Jo Example", "assessment", "Visit on Monday.") in answers(context, item)
    jo.post(f"/items/{item}/decide", **{**form, "outcome": "early_help"}, confirmed=version)
    decided = [answer for answer in answers(context, item) if answer[0] == "decided"]
    assert [outcome for _, _, outcome, _ in decided] == ["assessment", "early_help"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "Choose what you will do"),
        ({"outcome": "no_further_action"}, "Say in the note"),
        ({"outcome": "destroyed"}, "Choose what you will do"),
        ({"outcome": "assessment", "note": "x" * 4001}, "Use at most 4000 characters"),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    context: Context, jo: Person, item: str, form: dict[str, str], message: str
) -> None:
    shown = jo.post(f"/items/{item}/decide", 422, **form).text
    assert message in shown
    if "note" in form:
        assert form["note"] in shown
    assert all(stage != "decided" for stage, *_ in answers(context, item))


def test_a_return_shows_who_gets_it_before_it_is_sent(
    context: Context, jo: Person, item: str
) -> None:
    form = {"reason": "wrong_area", "place": "Shropshire"}
    checked = jo.post(f"/items/{item}/return", 200, **form).text
    assert "Shropshire" in checked
    (seen,) = re.findall(r'name="confirmed" value="([^"]+)"', checked)
    assert seen == "shropshire-csc"
    assert rows(context, "select state from delivery where id = %s", item) == [("collected",)]
    jo.post(f"/items/{item}/return", **form, confirmed=seen)
    assert rows(context, "select state from delivery where id = %s", item) == [("returned",)]
    assert rows(context, "select agency from delivery where replaces = %s", item) == [
        ("shropshire-csc",)
    ]


@pytest.mark.parametrize(
    ("place", "message"),
    [("Nowhere at all", "We do not know this place"), ("shire", "Several places match")],
)
def test_a_place_that_is_not_clear_is_asked_again(
    context: Context, jo: Person, item: str, place: str, message: str
) -> None:
    shown = jo.post(f"/items/{item}/return", 422, reason="wrong_area", place=place).text
    assert message in shown
    assert f'value="{place}"' in shown


def test_a_colleague_gets_it(
    context: Context, enter: Callable[..., Person], jo: Person, item: str
) -> None:
    sam = enter(OFFICE, "Sam Example", "answer")
    jo.post(f"/items/{item}/take-on")
    jo.post(f"/items/{item}/hand-over", to=str(sam.id))
    assert rows(context, "select member, given_by from handler order by id") == [
        (jo.id, jo.id),
        (sam.id, jo.id),
    ]
    assert item in sam.get("/?show=mine")
    assert item not in jo.get("/?show=mine")


def test_who_covers_for_somebody_has_what_they_deal_with(
    enter: Callable[..., Person], jo: Person, item: str
) -> None:
    sam = enter(OFFICE, "Sam Example", "answer")
    jo.post(f"/items/{item}/take-on")
    assert item not in sam.get("/?show=mine")
    jo.post("/team/cover", cover=str(sam.id))
    assert item in sam.get("/?show=mine")
    assert "You cover" in sam.get("/")
    assert item in jo.get("/?show=mine")
    jo.post("/team/cover", cover="")
    assert item not in sam.get("/?show=mine")


def test_a_recall_is_confirmed_as_destroyed(
    context: Context, world: World, jo: Person, item: str
) -> None:
    jo.get(f"/items/{item}")
    (referral,) = rows(context, "select referral from delivery where id = %s", item)
    answer = world.client.post(
        f"/v1/referrals/{referral[0]}/recall",
        json={"reason": "sent_in_error", "by": "DC Example"},
        headers=world.police,
    )
    assert answer.status_code < 300, answer.text
    world.drain()
    (recall,) = ITEM.findall(jo.get("/"))
    shown = jo.get(f"/items/{recall}")
    assert "destroyed" in shown
    assert sample(12)["children"][0]["family_name"] not in shown
    jo.post(f"/items/{recall}/destroyed", 409)
    jo.post(f"/items/{recall}/destroyed", destroyed="yes")
    assert rows(context, "select outcome from answer where delivery = %s", recall) == [
        (None,),
        ("destroyed",),
    ]
