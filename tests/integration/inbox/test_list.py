"""The list says truly how much there is to do, shows it page by page, and finds by reference."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.integration.inbox.conftest import OFFICE, Person
from tests.rows import rows

ITEM = re.compile(r'href="/inbox/items/([0-9a-f-]{36})"')
MANY = """
with made as (
    insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at, grade,
                          effective_grade, policy_version)
    select gen_random_uuid(), referral.publisher, 'MANY/2027/' || lpad(n::text, 4, '0'), digest,
           'routed', accepted_at, routed_at, referral.grade, effective_grade,
           referral.policy_version
    from referral, generate_series(1, %s) n
    where referral.reference = %s
    returning id, publisher
),
content as (
    insert into referral_content (referral, body)
    select made.id, body from made, referral_content join referral on referral = referral.id
    where referral.reference = %s
),
delivered as (
    insert into delivery (id, referral, agency, channel, role, policy_row, view, state,
                          available_at, clock_start, acknowledge_by, decide_by)
    select gen_random_uuid(), made.id, agency, channel, role, policy_row, view, 'available',
           available_at, clock_start, acknowledge_by, decide_by
    from made, delivery join referral on referral.id = delivery.referral
    where referral.reference = %s and agency = %s
    returning id, referral
)
insert into delivery_reason (delivery, scope, explanation)
select delivered.id, scope, explanation
from delivered, delivery_reason reason join delivery on delivery.id = reason.delivery
join referral on referral.id = delivery.referral
where referral.reference = %s and delivery.agency = %s
returning delivery
"""


@pytest.fixture
def jo(enter: Callable[..., Person]) -> Person:
    return enter(OFFICE, "Jo Example", "answer", "administer")


def many(context: Context, world: World, count: int) -> dict[str, Any]:
    """Put the same referral into the office's inbox under many references."""
    document = sample(12)
    world.routed(document)
    name = document["reference"]
    rows(context, MANY, count, name, name, name, OFFICE, name, OFFICE)
    return document


def looked_for(person: Person, text: str, **chosen: str) -> str:
    """Return the page that shows what has a text."""
    return str(person.post("/", 200, find=text, **chosen).text)


def found(person: Person, text: str, **chosen: str) -> list[str]:
    """Return the ids of what has a text."""
    return ITEM.findall(looked_for(person, text, **chosen))


def test_counts_are_true_beyond_one_page(context: Context, world: World, jo: Person) -> None:
    many(context, world, 130)
    first = jo.get("/")
    assert "To do (131)" in first
    assert "Unread (131)" in first
    pages = [ITEM.findall(jo.get(f"/?page={number}")) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 50, 31]
    assert len({item for page in pages for item in page}) == 131
    assert "Next page" not in jo.get("/?page=3")
    assert "nothing on this page" in jo.get("/?page=4")
    jo.post(f"/items/{pages[2][0]}/take-on")
    assert "Mine (1)" in jo.get("/")


@pytest.mark.parametrize("page", ["0", "-1", "99999", "x", "²", "1e3"])
def test_an_impossible_page_is_one_that_is_there(
    context: Context, world: World, jo: Person, page: str
) -> None:
    many(context, world, 1)
    assert len(ITEM.findall(jo.get("/", 200))) == 2
    jo.get(f"/?page={page}")


def test_what_is_looked_for_is_found_by_reference_or_id(
    context: Context, world: World, jo: Person
) -> None:
    many(context, world, 60)
    ((item, referral),) = rows(
        context,
        "select delivery.id, referral from delivery join referral on referral.id = referral"
        " where reference = 'MANY/2027/0042'",
    )
    for text in ("many/2027/0042", "0042", str(item)[:13], str(referral), f"  {item}  "):
        assert found(jo, text) == [str(item)], text
    assert "More than 50 match" in looked_for(jo, "many")
    assert "Nothing matches" in looked_for(jo, "%")
    assert "Nothing matches" in looked_for(jo, "_")


def test_what_was_finished_is_found_too(context: Context, world: World, jo: Person) -> None:
    many(context, world, 1)
    (item, other) = ITEM.findall(jo.get("/"))
    jo.get(f"/items/{item}")
    jo.post(f"/items/{item}/return", reason="not_ours", confirmed="ops")
    assert ITEM.findall(jo.get("/")) == [other]
    assert item in found(jo, item)
    assert ITEM.findall(jo.get("/?show=done")) == [item]


def test_another_organisations_referral_is_not_found(
    context: Context, world: World, enter: Callable[..., Person]
) -> None:
    document = many(context, world, 1)
    kim = enter("shropshire-csc", "Kim Example", "answer")
    for text in (document["reference"], "MANY"):
        assert found(kim, text) == []


def test_a_list_is_narrowed_by_kind_and_grade(context: Context, world: World, jo: Person) -> None:
    many(context, world, 2)
    ((grade,),) = rows(context, "select distinct effective_grade from referral")
    other = "low" if grade != "low" else "high"
    assert len(ITEM.findall(jo.get(f"/?grade={grade}&kind=referral"))) == 3
    assert ITEM.findall(jo.get(f"/?grade={other}")) == []
    assert ITEM.findall(jo.get("/?kind=recall")) == []
    assert len(ITEM.findall(jo.get("/?kind=nonsense&grade=nonsense"))) == 3


def test_a_search_shows_no_name_and_escapes_what_was_typed(
    context: Context, world: World, jo: Person
) -> None:
    document = many(context, world, 1)
    name = document["children"][0]["family_name"]
    assert found(jo, name) == []
    assert "<script>" not in looked_for(jo, "<script>")


def test_what_is_looked_for_stands_in_no_address(
    context: Context, world: World, jo: Person
) -> None:
    many(context, world, 1)
    shown = looked_for(jo, "Zebedee", show="mine", kind="recall")
    assert "We looked for “Zebedee”" in shown
    assert re.findall(r'(?:href|action)="[^"]*Zebedee', shown) == []
    assert 'method="get"' not in shown
    assert len(ITEM.findall(jo.get("/?find=Zebedee"))) == 2


def test_what_is_narrowed_without_a_text_has_an_address(
    context: Context, world: World, jo: Person
) -> None:
    many(context, world, 1)
    moved = jo.post("/", find=" ", show="unread", kind="recall", grade="nonsense")
    assert moved.headers["location"] == "/inbox/?show=unread&kind=recall"
    assert len(found(jo, "MANY", kind="referral")) == 1
    assert found(jo, "MANY", kind="recall") == []
