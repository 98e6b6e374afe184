"""Hostile and very large referrals are shown as what they are: text."""

import time
from typing import Any

import pytest
from jinja2 import Environment, PackageLoader, PrefixLoader

from broker.inbox.changes import changes
from broker.inbox.document import document
from broker.inbox.document_values import Document
from tests.unit.inbox.conftest import NOW, ORGANISATIONS, Make, full, rendered
from tests.unit.inbox.reading import read

SHEET = '{% import "inbox/document.html" as doc %}{{ doc.paper(shown) }}{{ doc.changes(changed) }}'
SCRIPT = '<script>alert("x")</script><img src=x onerror=alert(1)>'
TURNED = "\u202eesrever\u202c\u2066\u200b"
ENOUGH_SECONDS = 10.0


def page(shown: Document, **values: Any) -> str:
    loader = PrefixLoader({"inbox": PackageLoader("broker.inbox")})
    template = Environment(loader=loader, autoescape=True).from_string(SHEET)
    return template.render(shown=shown, **values)


def hostile(value: Any, text: str) -> Any:
    """Return a document with a text added to each of its texts that is long enough to be one."""
    if isinstance(value, dict):
        return {name: hostile(item, text) for name, item in value.items()}
    if isinstance(value, list):
        return [hostile(item, text) for item in value]
    return f"{value}{text}" if isinstance(value, str) and " " in value else value


def test_markup_is_text(deliver: Make) -> None:
    delivery = deliver(hostile(full(), SCRIPT))
    delivery["defects"] = [
        {"pointer": f"/children/0/{SCRIPT}", "code": "odd", "message": SCRIPT, "original": SCRIPT}
    ]
    shown = document(delivery, now=NOW, organisations=ORGANISATIONS, is_paper=True)
    html = page(shown, changed=changes(deliver(full()), delivery))
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert " style=" not in html
    assert " onclick" not in html


@pytest.mark.parametrize("number", ["javascript:alert(1)", '"><script>', "tel:000", "+" * 50])
def test_a_link_is_a_telephone_or_an_address_of_mail(deliver: Make, number: str) -> None:
    sample = full()
    sample["referrer"] |= {"telephone": number, "email": f'a@example.org" onclick="{number}'}
    sample["handling"]["embargo"]["call_first"]["telephone"] = number
    html = page(document(deliver(sample), now=NOW, organisations={}), changed=())
    links = [part.partition('"')[0] for part in html.split('href="')[1:]]
    assert all(link.startswith(("tel:", "mailto:")) for link in links)
    assert 'onclick="' not in html


def test_text_that_turns_round_is_marked(deliver: Make) -> None:
    delivery = deliver(hostile(full(), TURNED))
    delivery["warnings"] = [{"pointer": "", "code": "odd", "message": f"Look{TURNED}"}]
    text = read(document(delivery, now=NOW, organisations=ORGANISATIONS))
    assert "\ufffd" in text
    assert not {"\u202e", "\u202c", "\u2066", "\u200b"} & set(text)


def test_two_hundred_children_with_a_thousand_defects_take_no_long_time(deliver: Make) -> None:
    sample = full()
    child = sample["children"][0]
    sample["children"] = [
        {**child, "id": f"c-{n}", "given_name": f"Child{n}", "lives_with": [f"c-{n - 1}"]}
        for n in range(200)
    ]
    sample["concern"]["summary"] = "w" * 10_000
    faults = [
        {"pointer": f"/children/{n % 200}/{name}", "code": "odd", "message": f"{name} {n}"}
        for n in range(1000)
        for name in ("nhs_number", "voice/said")
    ][:1000]
    began = time.monotonic()
    delivery = deliver(sample, defects=faults)
    shown = document(delivery, now=NOW, organisations=ORGANISATIONS, is_paper=True)
    html = page(shown, changed=changes(delivery, delivery))
    assert time.monotonic() - began < ENOUGH_SECONDS
    assert (
        shown.heading
        == "Child0 Fernsby, 14, Child1 Fernsby, 14, Child2 Fernsby, 14, and 197 other children"
    )
    assert html.count("doc-card--long") >= 200
    assert "w" * 10_000 in html


def test_empty_and_odd_values_are_no_reason_to_fail() -> None:
    child = {"id": "a", "lives_with": [], "voice": {}, "address": {}, "school": {}}
    odd = {"children": [child, {}], "online": {"identities": []}, "concern": {}, "referrer": {}}
    shown = document(rendered(odd), now=NOW, organisations={})
    assert shown.heading == "A child, and a child"
    assert page(shown, changed=())
