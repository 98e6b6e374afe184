"""A referral as a document in a real Chromium: readable by everybody, on every screen and paper."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, PackageLoader, PrefixLoader
from playwright.sync_api import Browser, BrowserContext, Page

from broker.inbox.changes import changes
from broker.inbox.document import document
from broker.policy import disclosure
from broker.policy.disclosure import PERSONS
from broker.policy.published.policy import Policy
from tests.browser.conftest import PATIENCE
from tests.browser.test_pages import LOOKS, faults_in, looks
from tests.conftest import ROOT
from tests.unit.inbox.conftest import NOW, ORGANISATIONS, full, rendered

STYLE = ROOT / "broker" / "inbox" / "static" / "document.css"
SHEET = """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>A referral</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><style>{{ style }}</style>
<style>body { margin: 0; padding: 1rem; }
@media (prefers-color-scheme: dark) { body { background: #11161b; } }
@media print { body { padding: 0; background: #fff; } }</style></head><body><main>
{% import "inbox/document.html" as doc %}
{% if shown.true_at %}{{ doc.paper(shown, "Printed by Ada Example, copy 1.") }}{% else %}
{{ doc.head(shown) }}{{ doc.handling(shown) }}{{ doc.recall(shown) }}{{ doc.contents(shown) }}
{% if changed %}<h2>What changed</h2>{{ doc.changes(changed) }}{% endif %}{{ doc.body(shown) }}
{% endif %}</main></body></html>"""
LONG = "w" * 3000
FAULTS = [
    {"pointer": "/children/0/nhs_number", "code": "bad-check", "message": "The last digit is "
     "wrong. It is set aside; the original is kept.", "original": f"99900{LONG}"},
    {"pointer": "/children/2/voice", "code": "missing-voice", "message": "Nothing is said."},
    {"pointer": "/grade/level", "code": "grade-contradiction", "message": "Look again."},
    {"pointer": "", "code": "name-outside-view", "message": "The text names somebody else."},
]  # fmt: skip
Open = Callable[..., Page]


def corrected() -> dict[str, Any]:
    """Return the full sample with long words, text from right to left, and many people."""
    sample = full()
    sample["children"][0]["lives_with"] = ["mother", "suspect-1"]
    sample["children"][0]["religion"] = LONG
    sample["children"][2]["given_name"] = "ايفور " * 40
    sample["children"] += [
        {"id": f"more-{number}", "given_name": f"Child{number}", "approximate_age": number}
        for number in range(4)
    ]
    del sample["persons_posing_risk"][1]
    return sample


@pytest.fixture(scope="module")
def sheets(book: Policy) -> dict[str, str]:
    """The pages that are looked at: whole, corrected, a school's, recalled and on paper."""

    def deliver(sample: dict[str, Any], view: str, **envelope: Any) -> dict[str, Any]:
        scope = {
            "children": [child["id"] for child in sample["children"]],
            "persons": [person["id"] for person in sample[PERSONS]],
        }
        content = disclosure.render(view, document=sample, scope=scope, policy=book)
        return rendered(content, view=view, **envelope)

    loader = PrefixLoader({"inbox": PackageLoader("broker.inbox")})
    template = Environment(loader=loader, autoescape=True).from_string(SHEET)
    # Not escaped, as in a style sheet of its own.
    style = template.environment.filters["safe"](Path(STYLE).read_text(encoding="utf-8"))

    def sheet(delivery: dict[str, Any], *, is_paper: bool = False, changed: Any = ()) -> str:
        shown = document(delivery, now=NOW, organisations=ORGANISATIONS, is_paper=is_paper)
        return template.render(shown=shown, changed=changed, style=style)

    before = deliver(full(), "social-care")
    after = deliver(corrected(), "social-care", kind="correction", defects=FAULTS)
    school = {**full(), "children": full()["children"][:1]}
    return {
        "whole": sheet(before),
        "corrected": sheet(after, changed=changes(before, after)),
        "force": sheet(deliver(full(), "force")),
        "school": sheet(deliver(school, "school")),
        "recalled": sheet(rendered({}, kind="recall", recall_reason="wrong_person")),
        "paper": sheet(after, is_paper=True),
    }


@pytest.fixture
def show(browser: Browser) -> Iterator[Open]:
    """Open a page that is given as text: ``show(html, width=320, dark=True)``.

    Another text may follow in the same window: ``page.set_content(html)``.
    """
    contexts: list[BrowserContext] = []

    def go(html: str, width: int = 1280, **options: Any) -> Page:
        scheme = "dark" if options.pop("dark", False) else "light"
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.set_content(html)
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize("looks", looks("light", "forced colours", "320 px, dark"))
def test_every_document_can_be_read_by_everybody(
    show: Open, sheets: dict[str, str], looks: tuple[str, ...]
) -> None:
    page = show("", **LOOKS[looks[0]])
    results = []
    for name, html in sheets.items():
        page.set_content(html)
        results += [f"{name}: {fault}" for fault in faults_in(page, looks)]
    assert "\n".join(results) == ""


def test_facts_reports_judgements_and_intelligence_have_borders_of_their_own(
    show: Open, sheets: dict[str, str]
) -> None:
    page = show(sheets["whole"])
    styles = page.eval_on_selector_all(
        ".doc-said", "all => all.map(each => getComputedStyle(each).borderLeftStyle)"
    )
    assert sorted(set(styles)) == ["dashed", "dotted", "double", "solid"]


def test_handling_stands_above_everything_that_is_about_people(
    show: Open, sheets: dict[str, str]
) -> None:
    page = show("")
    for name, html in sheets.items():
        if name == "recalled":
            continue
        page.set_content(html)
        tops = page.eval_on_selector_all(
            ".doc-handling, .doc-section",
            "all => all.map(each => each.getBoundingClientRect().top)",
        )
        assert tops == sorted(tops), name
        if name in ("whole", "school", "force"):
            assert page.locator(".doc-handling h2").first.bounding_box()["y"] < 300, name


def test_a_number_to_call_is_large_enough_to_be_hit(show: Open, sheets: dict[str, str]) -> None:
    page = show(sheets["school"], width=320)
    heights = page.eval_on_selector_all(
        ".doc a", "all => all.map(each => each.getBoundingClientRect().height)"
    )
    assert min(heights) >= 24


def test_paper_is_black_on_white_with_nothing_folded_away(
    show: Open, sheets: dict[str, str]
) -> None:
    page = show(sheets["paper"], dark=True)
    page.emulate_media(media="print")
    colours = page.eval_on_selector_all(
        ".doc *",
        "all => [...new Set(all.filter(each => each.innerText).map("
        "each => getComputedStyle(each).color))]",
    )
    assert set(colours) <= {"rgb(0, 0, 0)", "rgb(34, 34, 34)"}
    assert not page.locator(".doc-contents").count()
    hidden = page.eval_on_selector_all(
        ".doc :is(dt, dd, td, th, p, h2, h3)",
        "all => all.filter(each => !each.getClientRects().length).length",
    )
    assert hidden == 0
    assert page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")
