"""The page of a school: what must not be done first, and no more than the school's own view."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.integration.inbox.conftest import Person
from tests.integration.inbox.test_arrivals import _texts
from tests.integration.inbox.test_what_is_told import SCHOOL, in_force, item_of, lead
from tests.rows import rows


@pytest.fixture
def head(enter: Callable[..., Person]) -> Person:
    """The safeguarding lead of a school."""
    return enter(SCHOOL, "Lee Example", "answer", "administer")


def words_of(page: str) -> str:
    """Return the text of a page without its elements."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def with_handling(**handling: Any) -> dict[str, Any]:
    document = sample(5)
    return {**document, "handling": {**document.get("handling", {}), **handling}}


def test_what_must_not_be_done_stands_before_all_else(
    context: Context, world: World, head: Person
) -> None:
    world.routed(with_handling(parents_informed={"informed": False}))
    shown = words_of(head.get(f"/items/{item_of(context, SCHOOL)}"))
    order = [
        "What you must not do",
        "Do not tell the parents or carers. They do not know of this.",
        "Do not question the child about this",
        "Read it by",
        "I have read it",
        "What to do now",
        "What it is about",
        "Whom to call",
        "DC Rowan Ashgrove",
        "About the pupil",
        "Who has looked",
    ]
    places = [shown.find(text) for text in order]
    assert -1 not in places, dict(zip(order, places, strict=True))
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("handling", "sentence"),
    [
        ({}, "before you have asked the officer"),
        ({"parents_informed": {"informed": False}}, "They do not know of this."),
        ({"parents_informed": {"informed": True}}, ""),
        ({"do_not_disclose_to": ["the stepfather"]}, "Do not tell: the stepfather."),
    ],
)
def test_whom_the_school_must_not_tell_is_what_its_view_says(
    context: Context, world: World, head: Person, handling: dict[str, Any], sentence: str
) -> None:
    document = sample(5)
    document["handling"] = {"marking": "OFFICIAL-SENSITIVE", **handling}
    world.routed(document)
    shown = words_of(head.get(f"/items/{item_of(context, SCHOOL)}"))
    assert sentence in shown
    is_known = handling == {"parents_informed": {"informed": True}}
    assert ("Do not tell the parents" in shown) is not is_known
    assert ("The parents Know of this referral" in shown) is is_known


def test_a_school_reads_all_of_its_view_and_nothing_else(
    context: Context, world: World, head: Person
) -> None:
    world.routed(sample(5))
    item = item_of(context, SCHOOL)
    shown = words_of(head.get(f"/items/{item}"))
    headers = world.headers(SCHOOL, "collect")
    view = world.client.get(f"/v1/deliveries/{item}", headers=headers).json()
    child = view["content"]["children"][0]
    assert child["given_name"] in shown
    assert view["content"]["referrer"]["name"] in shown
    granted = set(_texts([view["content"], view["handling"], view["why"]]))
    hidden = [
        text
        for text in _texts(sample(5))
        if len(text) > 6 and " " in text and not any(text in known for known in granted)
    ]
    assert len(hidden) > 5
    assert [text for text in hidden if text in shown] == []


def test_a_council_has_no_page_of_a_school(
    context: Context, world: World, enter: Callable[..., Person], head: Person
) -> None:
    world.routed(sample(5))
    council = lead(context)
    shown = enter(council, "Jo Example", "answer").get(f"/items/{item_of(context, council)}")
    assert "What you must not do" not in shown
    assert "Do not question the child" not in shown
    in_force(context, "inbox:\n  must_not:\n    social-care: ['Do <b>not</b> wait.']")
    shown = enter(council, "Kim Example", "answer").get(f"/items/{item_of(context, council)}")
    assert "<li>Do &lt;b&gt;not&lt;/b&gt; wait.</li>" in shown


def test_the_school_answers_on_its_page(context: Context, world: World, head: Person) -> None:
    world.routed(sample(5))
    item = item_of(context, SCHOOL)
    shown = head.get(f"/items/{item}")
    for path in ("ask", "return", "hand-over", "print"):
        assert f'href="/inbox/items/{item}/{path}"' in shown
    head.post(f"/items/{item}/take-on")
    assert rows(context, "select state from delivery where id = %s", item) == [("acknowledged",)]
    assert "Nothing more is asked of you" in head.get(f"/items/{item}")


def test_what_was_taken_back_shows_a_school_nothing_of_its_pupil(
    context: Context, world: World, head: Person
) -> None:
    referral = world.routed(sample(5))["id"]
    item = item_of(context, SCHOOL)
    name = sample(5)["children"][0]["given_name"]
    assert name in head.get(f"/items/{item}")
    recall = {"reason": "sent_in_error", "by": "DC Example"}
    path = f"/v1/referrals/{referral}/recall"
    assert world.client.post(path, json=recall, headers=world.police).status_code < 300
    world.drain()
    shown = head.get(f"/items/{item}")
    assert name not in words_of(shown)
    assert "Taken back by the police" in shown
